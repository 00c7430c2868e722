"""From a label in the viewer to its page in the console, and back, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample
from tests.api.views.viewer.drawn import MESSAGES, wait_until_drawn
from tests.api.views.viewer.test_viewer import PIXELS, SHAPE, SLICE, Scene, canvas, plane_at

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.neuroglancer import viewer_link
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.mapping.changes import merge
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

LARGE = 2**53 + 11
PIECES = {
    LARGE: Box((9, 14, 14), (13, 22, 24)),
    9: Box((9, 14, 26), (13, 22, 36)),
    4: Box((9, 24, 26), (13, 30, 36)),
}
"""Labels, each a block that the plane that is looked at crosses. 4 is part of the body 9."""
POSITION = "() => Array.from(window.viewer.position.value)"
SCALE = "() => window.viewer.navigationState.zoomFactor.value"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, viewer: Path) -> Iterator[Scene]:
    image, labels = np.full(SHAPE, 20, np.uint8), np.zeros(SHAPE, np.uint64)
    for label, box in PIECES.items():
        labels[box.slices] = label
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("scene") / "lake"))
    settings, size = Settings(), VoxelSize(40, 10, 10)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("a/b/cells-em", image, voxel_size=size))
        cells = Sample("a/b/cells", labels, Kind.LABELS, of="cells-em", voxel_size=size)
        add_sample(lake, catalog, cells)
        index, identity = lake / "a/b/cells-em.index/cells", LocalIdentity(TOKEN)
        merge(index, [9, 4])
        with run_app(create_app(settings, lake, catalog, identity, viewer)) as url:
            yield Scene(url, identity, index)


def look(page: Page, scene: Scene, query: str = "") -> None:
    """Open the labels in the viewer, at the plane that crosses all of them."""
    page.goto(scene.login("/healthz"))
    answer = page.request.get(f"{scene.url}/v2/datasets/a/b/cells/neuroglancer{query}")
    state = answer.json()["state"] | plane_at(SLICE)
    page.goto(viewer_link(f"{scene.url}/neuroglancer/", state))
    wait_until_drawn(page)
    assert page.evaluate(MESSAGES) == []


def point_at(page: Page, label: int) -> tuple[float, float]:
    """Move the pointer to the middle of a label, and return where that is."""
    box = page.locator(".neuroglancer-rendered-data-panel").first.bounding_box()
    assert box is not None
    lo, hi = PIECES[label].start, PIECES[label].stop
    right, down = ((lo[axis] + hi[axis] - SHAPE[axis]) / 2 * PIXELS for axis in (2, 1))
    x, y = box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    chosen = (
        "label => window.viewer.layerManager.getLayerByName('cells').layer"
        ".displayState.segmentSelectionState.baseValue === BigInt(label)"
    )
    page.wait_for_function(chosen, arg=str(label), timeout=60_000)
    return x, y


def check_page(shown: Page, scene: Scene, label: int, box: Box) -> None:
    """Check that a page is that of a label, and tells its box."""
    shown.wait_for_load_state()
    assert shown.url.startswith(f"{scene.url}/datasets/a/b/cells/labels?label={label}")
    [row] = shown.locator("tbody tr").all()
    start, stop = (", ".join(map(str, place)) for place in (box.start, box.stop))
    assert row.locator("td").all_text_contents()[1:3] == [start, stop]


@pytest.mark.timeout(240)
def test_a_label_leads_to_its_page_and_back(scene: Scene, page: Page) -> None:
    look(page, scene)
    point_at(page, 4)
    with page.expect_popup() as opened:
        page.keyboard.press("p")
    check_page(opened.value, scene, 4, PIECES[4])
    opened.value.get_by_role("link", name="9", exact=True).click()
    opened.value.wait_for_url("**?label=9&bodies=true")
    check_page(opened.value, scene, 9, PIECES[9] | PIECES[4])
    opened.value.close()

    x, y = point_at(page, LARGE)
    page.keyboard.down("Control")
    page.mouse.click(x, y, button="right")
    page.keyboard.up("Control")
    link = page.get_by_role("link", name=f"Page of label {LARGE}")
    with page.expect_popup() as opened:
        link.click(timeout=60_000)
    shown, box = opened.value, PIECES[LARGE]
    check_page(shown, scene, LARGE, box)

    shown.get_by_role("link", name="See it in Neuroglancer").click()
    shown.wait_for_url(f"{scene.url}/neuroglancer/#!**")
    wait_until_drawn(shown)
    place = [int(at) for at in reversed(shown.evaluate(POSITION))]
    assert place == pytest.approx(
        [(lo + hi) / 2 for lo, hi in zip(box.start, box.stop, strict=True)], abs=1
    )
    # It is of its colour where the panel's middle is; the image is grey.
    picture = canvas(shown)
    middle = picture[picture.shape[0] // 2 + 20, picture.shape[1] // 2 + 20]
    assert len(set(middle.tolist())) > 1, middle
    # 10 voxels are as large as the panel allows, which all 56 would not be.
    assert 5 < 1 / shown.evaluate(SCALE) < 30
    shown.get_by_role("link", name=f"Page of label {LARGE}").wait_for(timeout=60_000)


@pytest.mark.timeout(240)
def test_a_supervoxel_of_a_graph_leads_to_its_page(scene: Scene, page: Page) -> None:
    look(page, scene, "?proofread=true&label=4")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Page of label 4").click(timeout=60_000)
    check_page(opened.value, scene, 4, PIECES[4])
    picture = canvas(page)
    # Its root is selected, so both supervoxels of the body are drawn, and no other.
    colours = []
    for label in PIECES:
        lo, hi = PIECES[label].start, PIECES[label].stop
        y, x = (
            picture.shape[place] // 2 + (lo[axis] + hi[axis] - SHAPE[axis]) * PIXELS // 2 - 20
            for place, axis in ((0, 1), (1, 2))
        )
        colours.append(len(set(picture[y, x].tolist())) > 1)
    assert colours == [False, True, True]
