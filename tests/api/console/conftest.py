"""A real browser for the pages of the console."""

from tests.api.views.conftest import browser, page

__all__ = ["browser", "page"]
