"""The page of bossDB's routes lists all that there are."""

from __future__ import annotations

from tests.docs.bossdb_page import PAGE, page


def test_the_page_is_what_follows_from_the_routes() -> None:
    assert PAGE.read_text() == page(), "write it: python -m tests.docs.bossdb_page"
