"""Pages in a real browser: nothing serious that axe finds, at two widths, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.api.conftest import TOKEN

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.api.conftest import Served

AXE = Path(__file__).parents[2] / "readers" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/",
    "/?q=brain",
    "/?q=nothing-of-this-name",
    "/datasets/lab/brain/em",
    "/datasets/lab/brain/cells",
    "/datasets/lab/brain/cells/labels",
    "/datasets/lab/brain/cells/labels?label=1&bodies=true",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(served: Served, page: Page, scheme: str, width: int) -> None:
    page.set_extra_http_headers({"Authorization": f"Bearer {TOKEN}"})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    for path in PAGES:
        page.goto(served.url + path)
        page.wait_for_function("[...document.images].every(each => each.complete)")
        broken = "[...document.images].filter(each => !each.naturalWidth).map(each => each.src)"
        assert page.evaluate(broken) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        # The policy of the pages lets no script in, that of the browser's owner included.
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then(said => said.violations.map(each => each.id))")
        assert found == [], path
    assert errors == []


def test_somebody_finds_a_dataset_and_steps_through_it(served: Served, page: Page) -> None:
    page.set_extra_http_headers({"Authorization": f"Bearer {TOKEN}"})
    page.goto(served.url)
    page.get_by_role("searchbox").fill("em")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="lab/brain/em").click()
    page.get_by_role("spinbutton", name="Slice").fill("2")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Slice after").click()
    assert page.get_by_text("z = 3 of").count() == 1
