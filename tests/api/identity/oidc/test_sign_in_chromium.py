"""Somebody signs in and out with a real browser, which has its own mind about cookies."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright
from tests.api.identity.gateways import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from tests.api.identity.gateways import Issued


@pytest.fixture
def page() -> Iterator[Page]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "there is no Chromium; install it with tests/browser/install"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        with browser.new_page() as page:
            yield page
        browser.close()


def status(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer is not None
    return answer.status


def test_a_real_browser_signs_in_and_out(strict: Issued, page: Page) -> None:
    page.goto(strict.url)
    page.get_by_text("sign in").click()
    page.fill("[name=login]", "ada+/lab/mappers")
    page.fill("[name=password]", "any")
    page.click("[type=submit]")
    page.click("[type=submit]")
    page.wait_for_url(f"{strict.url}/")
    assert page.get_by_text("signed in as ada").count() == 1
    assert page.evaluate("document.cookie") == "", "scripts read it"
    assert status(page, f"{strict.url}{SECRET}") == 200
    page.goto(strict.url)
    page.get_by_text("Sign out").click()
    page.click("[name=logout][value=yes]")
    page.wait_for_url(f"{strict.url}/")
    assert page.get_by_text("sign in").count() == 1
    assert status(page, f"{strict.url}{SECRET}") == 401
