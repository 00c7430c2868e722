"""The site's navigation, and the form that its pages share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text()
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_a_how_to_begins_with_what_its_reader_will_have(page: Path) -> None:
    title, empty, first, *_ = page.read_text().splitlines()
    assert title.startswith("# ")
    assert empty == ""
    assert first.startswith("*At the end:* ")


def test_every_page_is_listed_and_in_the_navigation() -> None:
    """Each how-to once in each, in the same group and order."""
    navigation = re.findall(r"^how-to/(\S+)$", INDEX, re.MULTILINE)
    assert sorted(navigation) == [page.stem for page in HOW_TO]
    listed = re.findall(r"^- \[.*?\]\(how-to/(\S+)\.md\)", INDEX, re.MULTILINE)
    assert sorted(listed) == sorted(navigation)
    notebooks = [path.stem for path in sorted((ROOT / "notebooks").glob("*.py"))]
    assert re.findall(r"^\.\./notebooks/(\S+)$", INDEX, re.MULTILINE) == notebooks
    assert all(f"(../notebooks/{name}.py)" in INDEX for name in notebooks)
