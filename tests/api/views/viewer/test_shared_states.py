"""The Share button of the hosted viewer, in a real browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.api.views.viewer.drawn import wait_until_drawn, watched

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

POSITION = "() => Array.from(window.viewer.position.value)"
MOVED = [3.5, 4.5, 5.5]
HOSTILE = "</title><svg onload=document.title=1>\"'&amp; {{7*7}}"


@pytest.mark.timeout(240)
def test_the_share_button_makes_a_link_that_shows_the_same(
    tmp_path: Path, viewer: Path, browser: Browser
) -> None:
    lake, settings, identity = (
        StoreURL.parse(str(tmp_path / "lake")),
        Settings(),
        LocalIdentity(TOKEN),
    )
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("a/b/em", image_voxels((12, 20, 28)), levels=1))
        app = create_app(settings, lake, catalog, identity, viewer)
        with (
            run_app(app) as url,
            browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context,
        ):
            page = watched(context.new_page())
            page.goto(f"{url}/login?once={identity.new_link()}&next={quote('/view/a/b/em')}")
            wait_until_drawn(page)
            page.evaluate(f"() => window.viewer.position.value = Float32Array.from({MOVED})")
            with page.expect_response(f"{url}/v2/states") as made:
                page.get_by_title("Share State").click()
            assert made.value.status == 201
            page.get_by_text("Share link copied to clipboard").wait_for()
            link = page.evaluate("() => navigator.clipboard.readText()")
            [state] = catalog.viewer_states.list_states(None)
            assert link == f"{url}/neuroglancer/#!{url}/v2/states/{state.serial}"
            for address in (link, f"{url}/s/{state.serial}"):
                page.goto("about:blank")
                page.goto(address)
                wait_until_drawn(page)
                assert page.evaluate(POSITION) == MOVED
            titled = httpx2.post(
                f"{url}/v2/states",
                params={"title": HOSTILE},
                json=json.loads(catalog.viewer_states.text(state.serial)),
                headers={"Authorization": f"Bearer {TOKEN}"},
            ).json()
            page.goto("about:blank")
            page.goto(f"{url}/neuroglancer/#!{titled}")
            wait_until_drawn(page)
            assert page.title() == f"{HOSTILE} - neuroglancer"
            assert page.locator("svg[onload]").count() == 0
