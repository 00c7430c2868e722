"""The page of common errors quotes messages that voxlake has."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "how-to" / "mend-common-errors.md"
SOURCES = ("api", "compute", "ngff", "platform")


def test_quoted_messages_are_in_the_code() -> None:
    code = "".join(
        path.read_text()
        for folder in SOURCES
        for path in sorted((ROOT / folder).glob("voxlake/**/*.py"))
    )
    # Messages are written as several strings in a row.
    said = re.sub(r'"\s*\n\s*f?"', "", code)
    quoted = re.findall(r"^\| `([^`]+)`", PAGE.read_text(), re.MULTILINE)
    assert len(quoted) > 10
    assert [message for message in quoted if message not in said] == []
