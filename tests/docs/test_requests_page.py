"""The page of requests has the operations that are counted, as they are."""

from __future__ import annotations

from tests.docs.requests_page import PAGE, page


def test_the_page_is_what_follows_from_the_operations() -> None:
    assert PAGE.read_text() == page(), "write it: python -m tests.docs.requests_page"
