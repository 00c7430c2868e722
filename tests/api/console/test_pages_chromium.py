"""Pages in a real browser: axe finds nothing, in the dark on a phone, in the light on a screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.access import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page
    from tests.api.console.conftest import Workshop

AXE = Path(__file__).parents[2] / "readers" / "node_modules" / "axe-core" / "axe.min.js"
EM, CELLS = "/datasets/lab/brain/em", "/datasets/lab/brain/cells"
PAGES = (
    "/",
    "/?q=brain",
    "/?q=nothing-of-this-name",
    "/?kind=labels&collection=lab&may=update",
    "/?q=nothing-of-this-name&kind=image",
    "/collections",
    "/collections/lab",
    "/collections/lab/experiments/brain",
    "/collections/lab/experiments/brain/ingest",
    EM,
    f"{EM}/edit",
    f"{EM}/coverage?level=1",
    "/sharing?place=lab/brain/em",
    f"{EM}/links",
    CELLS,
    f"{CELLS}/labels",
    f"{CELLS}/labels?label=1&bodies=true",
    f"{CELLS}/labels/history",
    "/tokens",
    "/groups",
    "/groups/mappers",
    "/account",
    "/views",
    "/usage",
    "/audit?place=lab",
    "/deleted",
    "/jobs",
    "/datasets/lab/brain/absent",
)
LOADED = """Promise.all([...document.images].map(each => {
  each.loading = "eager";
  return each.complete || new Promise(done => { each.onload = each.onerror = done; });
}))"""
"""Waits for the pictures of a page; without `eval`, which pages that may load scripts forbid."""


@pytest.fixture(scope="module")
def job(workshop: Workshop) -> str:
    """The page of a job, and something to see on the others."""
    workshop.catalog.people.add_group("mappers", "ada")
    workshop.catalog.shares.share(["lab", "brain", "em"], "bob", Role.VIEWER)
    with workshop.browser("ada") as ada:
        ada.fill_in("/values?place=lab/brain/em", key="licence", value="CC0")
        ada.fill_in(f"{EM}/links", note="x")
        ada.fill_in("/views", dataset="lab/brain/em")
        ada.fill_in(f"{CELLS}/labels/merge", labels="1 2")
        old = {"name": "old", "kind": "image", "dtype": "uint8"}
        old |= dict.fromkeys(("z", "y", "x", "size_z", "size_y", "size_x"), "8")
        ada.fill_in("/collections/lab/experiments/brain/datasets", **old)
        ada.fill_in("/datasets/lab/brain/old/delete", typed="lab/brain/old")
        return ada.fill_in("/jobs", kind="downsample", dataset="lab/brain/em").url.path


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_axe_finds_nothing(
    workshop: Workshop, job: str, page: Page, scheme: str, width: int
) -> None:
    hold_that_axe_finds_nothing(page, workshop, (*PAGES, job), "ada", (width, scheme))


def hold_that_axe_finds_nothing(
    page: Page, shop: Workshop, paths: Sequence[str], user: str, seen: tuple[int, str]
) -> None:
    """Hold that pages are accessible, fit into their width, and load all that they name."""
    width, scheme = seen
    page.set_extra_http_headers({"Authorization": f"Bearer {shop.tokens[user]}"})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    for path in paths:
        page.goto(shop.url + path)
        page.evaluate(LOADED)
        broken = "[...document.images].filter(each => !each.naturalWidth).map(each => each.src)"
        assert page.evaluate(broken) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        captions = "[...document.querySelectorAll('caption')].map(each => each.clientWidth)"
        assert all(wide > 150 for wide in page.evaluate(captions)), path
        # The policy of the pages lets no script in, that of the browser's owner included.
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then(said => said.violations.map(each => each.id))")
        assert found == [], path
    assert [each for each in errors if "404 (Not Found)" not in each] == []


def test_axe_finds_nothing_on_the_page_of_users(workshop: Workshop, page: Page) -> None:
    workshop.catalog.people.add_user("mona", administrator=True)
    workshop.tokens["mona"] = workshop.catalog.tokens.make("mona", "browser")[1]
    hold_that_axe_finds_nothing(page, workshop, ["/users", "/audit"], "mona", (390, "dark"))


def test_somebody_finds_a_dataset_and_steps_through_it(workshop: Workshop, page: Page) -> None:
    page.set_extra_http_headers({"Authorization": f"Bearer {workshop.tokens['ada']}"})
    page.goto(workshop.url)
    page.get_by_role("searchbox").fill("em")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="lab/brain/em").click()
    page.get_by_role("spinbutton", name="Slice").fill("2")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Slice after").click()
    assert page.get_by_text("z = 3 of").count() == 1
