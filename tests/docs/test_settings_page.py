"""The page of settings lists all that there are, as they are."""

from __future__ import annotations

from tests.docs.settings_page import PAGE, page


def test_the_page_is_what_follows_from_the_fields() -> None:
    assert PAGE.read_text() == page(), "write it: python -m tests.docs.settings_page"
