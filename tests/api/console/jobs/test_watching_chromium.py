"""A job is followed on its page by a real browser, and by one that runs no scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Browser, expect

from voxlake.api.console.pages.page import FOLDER
from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.running import run_claimed

if TYPE_CHECKING:
    from tests.api.console.conftest import Workshop

PATIENCE_MS = 60_000


def start(workshop: Workshop) -> str:
    """Have a job on a dataset queued; return the path of its page."""
    with workshop.browser("ada") as ada:
        return ada.fill_in("/jobs", kind="fsck", dataset="lab/brain/em").url.path


def work(workshop: Workshop) -> None:
    """Run it, as a worker does."""
    claim = workshop.catalog.ledger.claim_oldest()
    assert claim is not None
    run_claimed(Workspace(workshop.lake, workshop.catalog, workshop.settings), claim)


def test_a_page_tells_how_its_job_goes_on(workshop: Workshop, browser: Browser) -> None:
    ada = {"Authorization": f"Bearer {workshop.tokens['ada']}"}
    with browser.new_page(extra_http_headers=ada) as page:
        page.goto(workshop.url + start(workshop))
        page.evaluate("window.same = true")
        expect(page.get_by_role("status")).to_contain_text("it waits for a worker")
        work(workshop)
        state = page.get_by_role("status")
        expect(state).to_have_text("done", timeout=PATIENCE_MS)
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "100.0")
        expect(page.get_by_role("button", name="Cancel it")).to_have_count(0)
        assert page.evaluate("window.same"), "it was not loaded anew"


def test_it_does_so_without_scripts(workshop: Workshop, browser: Browser) -> None:
    ada = {"Authorization": f"Bearer {workshop.tokens['ada']}"}
    with browser.new_page(extra_http_headers=ada, java_script_enabled=False) as page:
        page.goto(workshop.url + start(workshop))
        page.get_by_role("link", name="Watch").click()
        page.get_by_role("link", name="Stop watching").wait_for()
        work(workshop)
        expect(page.get_by_role("status")).to_have_text("done", timeout=PATIENCE_MS)


def test_scripts_are_small() -> None:
    assert sum(each.stat().st_size for each in FOLDER.rglob("*.js")) < 100_000
