"""A merge and a split by Neuroglancer's own tools, by mouse and keys, in a real browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample
from tests.api.views.viewer.drawn import MESSAGES, wait_until_drawn
from tests.api.views.viewer.test_viewer import PIXELS, SHAPE, SLICE, canvas, plane_at

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.neuroglancer import viewer_link
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

PIECES = {7: Box((9, 14, 14), (13, 22, 24)), 9: Box((9, 14, 26), (13, 22, 36))}
"""Labels side by side, each a block."""
API = "/segmentation/api/v1/table/a.b.cells"


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway over an image and its labels, and its owner's client."""

    url: str
    owner: httpx2.Client

    def root(self, label: int) -> str:
        """Return the root of a label."""
        answer = self.owner.get(f"{API}/node/{(1 << 56) + label}/root?int64_as_str=1")
        return str(answer.json()["root_id"])

    def open(self, page: Page, roots: set[str]) -> None:
        """Open the dataset's state for proofreading, at the labels, with roots selected."""
        answer = page.request.get(f"{self.url}/v2/datasets/a/b/cells/neuroglancer?proofread=true")
        state: dict[str, Any] = answer.json()["state"]
        state |= plane_at(SLICE)
        state["selectedLayer"] = {"layer": "cells", "visible": False}
        layer = state["layers"][-1]
        layer |= {
            "segments": sorted(roots),
            "selectedAlpha": 1,
            "toolBindings": {"M": "grapheneMergeSegments", "C": "grapheneMulticutSegments"},
        }
        page.goto("about:blank")
        page.goto(viewer_link(f"{self.url}/neuroglancer/", state))
        wait_until_drawn(page)


@pytest.fixture
def scene(tmp_path: Path, viewer: Path, page: Page) -> Iterator[Scene]:
    image, labels = np.full(SHAPE, 20, np.uint8), np.zeros(SHAPE, np.uint32)
    for label, box in PIECES.items():
        labels[box.slices] = label
    lake, settings, size = StoreURL.parse(str(tmp_path / "lake")), Settings(), VoxelSize(40, 10, 10)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("a/b/em", image, voxel_size=size))
        cells = Sample("a/b/cells", labels, Kind.LABELS, of="em", voxel_size=size)
        add_sample(lake, catalog, cells)
        identity = LocalIdentity(TOKEN)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            run_app(create_app(settings, lake, catalog, identity, viewer)) as url,
            httpx2.Client(base_url=url, headers=headers, timeout=30) as owner,
        ):
            page.goto(f"{url}/login?once={identity.new_link()}&next=/healthz")
            yield Scene(url, owner)


def middle(page: Page, label: int) -> tuple[float, float]:
    """Return where on the page the middle of a label is drawn."""
    box = page.locator(".neuroglancer-rendered-data-panel").first.bounding_box()
    assert box is not None
    lo, hi = PIECES[label].start, PIECES[label].stop
    x, y = ((lo[axis] + hi[axis] - SHAPE[axis]) / 2 * PIXELS for axis in (2, 1))
    return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y


def colours(page: Page) -> list[tuple[int, ...]]:
    """Return the colour of each label, in the middle of it."""
    picture = canvas(page)
    found = []
    for label in PIECES:
        lo, hi = PIECES[label].start, PIECES[label].stop
        y, x = (
            picture.shape[place] // 2 + (lo[axis] + hi[axis] - SHAPE[axis]) * PIXELS // 2
            for place, axis in ((0, 1), (1, 2))
        )
        found.append(tuple(picture[y - 20, x - 20].tolist()))
    return found


def control_click(page: Page, label: int) -> None:
    """Put an anchor of a tool on a label."""
    x, y = middle(page, label)
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y, steps=3)
    page.wait_for_timeout(400)
    page.keyboard.down("Control")
    page.mouse.down()
    page.mouse.up()
    page.keyboard.up("Control")
    page.wait_for_timeout(300)


def use_tool(page: Page, key: str, title: str) -> None:
    """Take a tool by its key."""
    page.mouse.move(*middle(page, 7))
    page.keyboard.press(f"Shift+{key}")
    page.get_by_text(title).first.wait_for()


def submit(page: Page, path: str) -> None:
    """Have the tool do what was chosen, and hold that the gateway did it."""
    with page.expect_response(lambda answer: f"{API}/{path}" in answer.url) as made:
        page.keyboard.press("Enter")
    assert made.value.status == 200, made.value.text()


@pytest.mark.timeout(240)
def test_the_merge_tool_merges(scene: Scene, page: Page) -> None:
    separate = {scene.root(label) for label in PIECES}
    scene.open(page, separate)
    assert page.evaluate(MESSAGES) == []
    assert len(set(colours(page))) == 2
    use_tool(page, "M", "Merge segments")
    for label in PIECES:
        control_click(page, label)
    submit(page, "merge")
    [merged] = {scene.root(label) for label in PIECES}
    assert merged not in separate
    page.wait_for_function("root => location.hash.includes(root)", arg=merged, timeout=20_000)
    wait_until_drawn(page)
    assert len(set(colours(page))) == 1

    # It is seen after a reload, and undone by who asks the graph to.
    page.reload()
    wait_until_drawn(page)
    assert len(set(colours(page))) == 1
    undone = scene.owner.post(f"{API}/undo", json={"operation_id": 1})
    assert undone.status_code == 200, undone.text
    roots = {scene.root(label) for label in PIECES}
    assert not roots & {*separate, merged}
    scene.open(page, roots)
    assert len(set(colours(page))) == 2


@pytest.mark.timeout(240)
def test_the_multicut_tool_splits(scene: Scene, page: Page) -> None:
    nodes = [[(1 << 56) + label, 0, 0, 0] for label in PIECES]
    assert scene.owner.post(f"{API}/merge", json=nodes).status_code == 200
    scene.open(page, {scene.root(7)})
    assert len(set(colours(page))) == 1
    use_tool(page, "C", "Multicut segments")
    control_click(page, 7)
    page.keyboard.press("g")
    control_click(page, 9)
    submit(page, "split")
    roots = {scene.root(label) for label in PIECES}
    assert len(roots) == 2
    scene.open(page, roots)
    assert len(set(colours(page))) == 2
