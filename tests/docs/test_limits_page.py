"""The page of limits has the numbers of the code, and all settings that bound something."""

from __future__ import annotations

import re

from tests.docs.limits_page import PAGE, page

from voxlake.platform.settings import Settings

BOUNDS = re.compile(r"_(limit_bytes|per_minute|at_once|(request|body|send)_timeout_s)$")


def test_the_page_is_what_follows_from_the_code() -> None:
    assert PAGE.read_text() == page(), "write it: python -m tests.docs.limits_page"


def test_settings_that_bound_something_are_on_it() -> None:
    bounds = {f"VOXLAKE_{name.upper()}" for name in Settings.model_fields if BOUNDS.search(name)}
    assert len(bounds) > 5
    assert bounds - set(re.findall(r"`(VOXLAKE_\w+)`", PAGE.read_text())) == set()
