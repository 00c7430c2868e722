"""Where voxels are drawn, in a real browser: on all planes, at each level, and at each time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, write_level
from tests.api.views.viewer.drawn import wait_until_drawn
from tests.api.views.viewer.test_viewer import BORDER, BUTTONS, extent

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
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

SHAPE = (24, 40, 56)
MIDDLE = (11.5, 24.5, 28.5)
"""Where the planes cross."""
BRIGHT = Box((8, 16, 20), (14, 32, 36))
"""The block of the image, of whole voxels at each level."""
LABEL = Box((9, 20, 24), (13, 28, 32))
"""The block that has a label, drawn over it."""
LEVELS = {0: 250, 1: 190, 2: 130}
"""What the block of the image is at each level; that of the labels is `ID` and the level."""
SIZE = VoxelSize(40, 10, 10)
PIXELS = 6
"""Of a side of 10 nm."""
PLANES = {"xy": (2, 1), "xz": (2, 0), "3d": None, "yz": (0, 1)}
"""Axes that run to the right and down, of the panels in their order; on the last z runs left."""
ID = 12
TIMES = 3
RESTORE = """state => {
  window.viewer.state.reset();
  window.viewer.state.restoreState(state);
}"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, viewer: Path) -> Iterator[str]:
    """The address of a gateway over an image with labels, and a film with labels."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("scene") / "lake"))
    settings = Settings(failed_logins_per_minute=0)
    with open_catalog(lake, settings) as catalog:

        def add(name: str, voxels: Any, **more: Any) -> StoreURL:
            sample = Sample(f"a/b/{name}", voxels, voxel_size=SIZE, public=True, **more)
            return add_sample(lake, catalog, sample)

        url = add("em", blocks(LEVELS[0], BRIGHT, np.uint8), levels=3)
        for level, value in LEVELS.items():
            step = 2**level
            write_level(url / str(level), blocks(value, BRIGHT, np.uint8)[:, ::step, ::step])
        ids = blocks(ID, LABEL, np.uint64)
        url = add("cells", ids, kind=Kind.LABELS, of="em", levels=3, indexed=False)
        for level in LEVELS:
            step = 2**level
            write_level(url / str(level), blocks(ID + level, LABEL, np.uint64)[:, ::step, ::step])
        film, tracks = np.zeros((TIMES, *SHAPE), np.uint8), np.zeros((TIMES, *SHAPE), np.uint64)
        for time in range(TIMES):
            film[time] = blocks(250, moved(BRIGHT, time), np.uint8)
            tracks[time] = blocks(ID, moved(LABEL, time), np.uint64)
        add("film", film, axes=("t", "z", "y", "x"))
        add("tracks", tracks, axes=("t", "z", "y", "x"), kind=Kind.LABELS, of="film", indexed=False)
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN), viewer)
        with run_app(app) as address:
            yield address


def blocks(value: int, box: Box, dtype: Any) -> Any:
    """Return a volume that is `value` in a box, and 0 elsewhere."""
    voxels = np.zeros(SHAPE, dtype)
    voxels[box.slices] = value
    return voxels


def moved(box: Box, time: int) -> Box:
    """Return where a block of the film is at a time: it moves to the right."""
    return box.shifted((0, 0, 2 * time - 2))


def state_of(url: str, name: str) -> dict[str, Any]:
    """Return the state of a dataset's view, moved, and with nothing over the planes."""
    answer = httpx2.get(f"{url}/v2/datasets/a/b/{name}/neuroglancer", timeout=60)
    state: dict[str, Any] = answer.json()["state"]
    return state | {
        "position": [*reversed(MIDDLE), *state["position"][3:]],
        "crossSectionScale": 1 / PIXELS,
        "showAxisLines": False,
        "showScaleBar": False,
        "showDefaultAnnotations": False,
        "crossSectionBackgroundColor": "#0000ff",
    }


def select(layer: dict[str, Any], label: int) -> None:
    """Have a layer show one label, in red."""
    layer |= {"segments": [str(label)], "segmentColors": {str(label): "#ff0000"}}
    layer["selectedAlpha"] = 1


def planes(page: Page) -> dict[str, Any]:
    """Return what the panels of planes show, the buttons and frames painted over."""
    panels = page.locator(".neuroglancer-rendered-data-panel").all()
    pictures = {}
    for (name, axes), panel in zip(PLANES.items(), panels, strict=True):
        if axes is None:
            continue
        png = panel.screenshot()
        picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
        inner = np.full_like(picture, (0, 0, 255))
        inside = (slice(BUTTONS, -BORDER), slice(BORDER, -BORDER))
        inner[inside] = picture[inside]
        pictures[name] = inner
    return pictures


def expected(box: Box, plane: str, shape: tuple[int, ...]) -> list[float]:
    """Return rows and columns at which a box is to be drawn on a plane."""
    axes = PLANES[plane]
    assert axes is not None
    right, down = axes
    pixels = (-4 * PIXELS if plane == "yz" else 4 * PIXELS, PIXELS, PIXELS)
    return [
        place
        for axis, length in ((down, shape[0]), (right, shape[1]))
        for place in sorted(
            length / 2 + (edge - MIDDLE[axis]) * pixels[axis]
            for edge in (box.start[axis], box.stop[axis])
        )
    ]


def check_drawn(picture: Any, plane: str, boxes: tuple[Box, Box], grey: int) -> None:
    """Check that the block is drawn in its grey, and the label in red, where they are."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    bright = (abs(red - grey) < 4) & (abs(green - grey) < 4) & (abs(blue - grey) < 4)
    labelled = (red > 200) & (green < 80) & (blue < 80)
    for mask, box in zip((bright, labelled), boxes, strict=True):
        rows, columns = extent(mask)
        assert [*rows, *columns] == pytest.approx(
            expected(box, plane, picture.shape[:2]), abs=1.01
        ), (plane, box)


@pytest.mark.timeout(240)
def test_blocks_are_where_they_belong_on_all_planes_at_each_level(scene: str, page: Page) -> None:
    page.goto(f"{scene}/neuroglancer/")
    page.wait_for_function("() => window.viewer !== undefined", timeout=120_000)
    for level, grey in LEVELS.items():
        state = state_of(scene, "em")
        for layer in state["layers"]:
            # So many pixels of the screen a voxel of that level has.
            layer["crossSectionRenderScale"] = PIXELS * 2**level
        select(state["layers"][1], ID + level)
        page.evaluate(RESTORE, state)
        wait_until_drawn(page)
        for plane, picture in planes(page).items():
            check_drawn(picture, plane, (BRIGHT, LABEL), grey)


@pytest.mark.timeout(240)
def test_a_film_and_its_labels_are_drawn_as_of_their_time(scene: str, page: Page) -> None:
    page.goto(f"{scene}/neuroglancer/")
    page.wait_for_function("() => window.viewer !== undefined", timeout=120_000)
    for time in (TIMES - 1, 0):
        state = state_of(scene, "film")
        assert state["position"][3:] == [0.5]
        state["position"][3] = time + 0.5
        select(state["layers"][1], ID)
        page.evaluate(RESTORE, state)
        wait_until_drawn(page)
        for plane, picture in planes(page).items():
            check_drawn(picture, plane, (moved(BRIGHT, time), moved(LABEL, time)), LEVELS[0])
