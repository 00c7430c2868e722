"""People sign in with real browsers, make a dataset, share it, and take it back, by forms alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.api.identity.conftest import strict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from tests.api.identity.gateways import Issued

__all__ = ["strict"]

EVIL = '"><svg onload=document.title=1>'
DATASET = "/datasets/alps/north/em"


@pytest.fixture
def another(browser: Browser) -> Iterator[Page]:
    """The page of somebody else's browser."""
    with browser.new_page() as page:
        yield page


def sign_in(page: Page, gateway: str, login: str, target: str) -> None:
    """Sign in on the way to a page that is not for strangers."""
    page.goto(gateway + target)
    page.get_by_role("link", name="sign in").last.click()
    page.fill("[name=login]", login)
    page.fill("[name=password]", "any")
    page.click("[type=submit]")
    page.click("[type=submit]")
    page.wait_for_url(gateway + target)


def press(page: Page, button: str) -> None:
    """Press a button, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def await_heading(page: Page, url: str, text: str) -> None:
    """Load a page until it is headed so: a gateway remembers who may what for a second."""
    for _ in range(100):
        page.goto(url)
        if page.get_by_role("heading", level=1).inner_text() == text:
            return
        page.wait_for_timeout(200)
    pytest.fail(f"{url} is not headed {text!r}")


def make(page: Page, name: str, description: str = "") -> None:
    """Fill in the form that makes a collection or an experiment."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Description").fill(description)
    press(page, "Make it")


def test_a_dataset_is_made_shared_and_taken_back(strict: Issued, page: Page, another: Page) -> None:
    url = strict.url
    sign_in(page, url, "root+lake-admin", "/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("root")
    page.goto(f"{url}/collections")
    make(page, "alps", EVIL)
    expect(page.locator("p.said")).to_have_text(EVIL)
    make(page, "north")
    page.get_by_label("Name").fill("em")
    page.get_by_label("Type of voxels").select_option("uint8")
    for axis in "zyx":
        page.get_by_label(axis, exact=True).first.fill("8")
        page.get_by_label(axis, exact=True).last.fill("4")
    press(page, "Make it")
    assert page.url == url + DATASET

    sign_in(another, url, "ada", "/account")
    another.goto(url + DATASET)
    expect(another.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    page.get_by_role("link", name="Sharing").click()
    page.get_by_label("User or group").fill("ada")
    press(page, "Share")
    expect(page.get_by_role("rowheader", name="ada")).to_be_visible()
    await_heading(another, url + DATASET, "em")
    assert another.get_by_role("link", name="Edit").count() == 0
    press(page, "Take back from ada")
    await_heading(another, url + DATASET, "There is nothing here")
    assert page.title() != "1"
