"""The picture of the README, as a browser draws it: `make pictures` puts it into docs/images.

There it is of the real sample; else of a phantom under the same names, and kept nowhere.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tests.api.views.viewer.drawn import MESSAGES, wait_until_drawn
from tests.docs.demo_lake import make_demo_lake, serve

from voxlake.api.views.neuroglancer import viewer_link
from voxlake.client import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from playwright.sync_api import Page

KEPT_IN = os.environ.get("VOXLAKE_PICTURES")
SAMPLE = {n: v for n, v in os.environ.items() if n == "VOXLAKE_SAMPLE_DIR"}
"""Where the demo takes its data from; tests see no settings of whoever runs them."""
EM, BODIES = "flyem/fib25/em", "flyem/fib25/bodies"
WIDTH, HEIGHT = 1280, 800
PIXELS = 2
"""Screen pixels for each voxel."""
OVERLAID = 80
"""Rows and columns at the edges of a panel over which the viewer has buttons and a scale bar."""
LINES = 4
"""Rows and columns in its middle that axes are drawn in."""


@pytest.fixture
def gateway_url(tmp_path: Path, viewer: Path) -> Iterator[str]:
    """A gateway over the lake that the README shows."""
    lake = tmp_path / "demo-lake"
    if KEPT_IN:
        words = ["demo", "--no-serve", "--lake", str(lake)]
        command = [sys.executable, "-m", "voxlake.cli", *words]
        subprocess.run(command, env=os.environ | SAMPLE, check=True)
    else:
        make_demo_lake(lake)
    with serve(lake, os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}) as url:
        yield url


def test_each_body_has_one_colour_of_its_own_over_the_image(
    gateway_url: str, page: Page, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    state = page.request.get(f"{gateway_url}/v2/datasets/{EM}/neuroglancer").json()["state"]
    with Gateway(gateway_url, token="") as gateway:
        bodies = gateway[BODIES]
        middle = tuple(extent // 2 for extent in bodies.shape)
        plane = bodies[middle[0]]
    state |= {"layout": "4panel", "crossSectionScale": 1 / PIXELS, "position": middle[::-1]}
    page.goto(viewer_link(f"{gateway_url}/neuroglancer/", state))
    wait_until_drawn(page)
    assert page.evaluate(MESSAGES) == []
    keep(page.screenshot(), Path(KEPT_IN or tmp_path) / "demo.png")

    panel = page.locator(".neuroglancer-rendered-data-panel").first.screenshot()
    picture = np.asarray(Image.open(io.BytesIO(panel)).convert("RGB")).astype(int)
    shown = labels_at_pixels(plane, (middle[1], middle[2]), picture.shape[:2])
    labels, counts = np.unique(shown[shown > 0], return_counts=True)
    largest = labels[np.argsort(counts)[::-1][:4]]
    colours = [colour_over_grey(picture[shown == label]) for label in largest]
    assert len(largest) > 1
    for number, colour in enumerate(colours):
        assert np.abs(colour).max() > 10  # it is no grey
        assert all(np.abs(colour - other).max() > 5 for other in colours[:number])


def keep(png: bytes, file: Path) -> None:
    """Write a picture with no more colours than the eye needs, in a third of the bytes."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def labels_at_pixels(
    plane: npt.NDArray[np.uint64], at: tuple[int, int], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Return the label that each pixel of a panel shows: (rows, columns).

    It is 0 where something else is drawn over it, and -1 outside and beside edges of bodies.
    """
    inside = np.full(plane.shape, -1, np.int64)
    core = plane[1:-1, 1:-1]
    same = [np.roll(plane, step, axis)[1:-1, 1:-1] == core for axis in (0, 1) for step in (-1, 1)]
    inside[1:-1, 1:-1] = np.where(np.logical_and.reduce(same), core.astype(np.int64), -1)
    places = [
        np.floor((np.arange(pixels) + 0.5 - pixels / 2) / PIXELS + middle).astype(int)
        for pixels, middle in zip(shape, at, strict=True)
    ]
    rows, columns = (np.clip(place, 0, n - 1) for place, n in zip(places, plane.shape, strict=True))
    shown = inside[np.ix_(rows, columns)]
    for axis, (place, extent) in enumerate(zip(places, plane.shape, strict=True)):
        outside = (place < 0) | (place >= extent)
        shown[np.expand_dims(outside, 1 - axis) & np.ones(shape, bool)] = -1
        pixels = np.arange(shape[axis])
        over = np.minimum(pixels, shape[axis] - 1 - pixels) < OVERLAID
        over |= np.abs(pixels - shape[axis] / 2) < LINES
        shown[np.expand_dims(over, 1 - axis) & np.ones(shape, bool)] = 0
    return shown


def colour_over_grey(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return by how much red and blue are above green: the same wherever a colour lies over grey.

    Fails unless nearly all pixels (n, 3) say the same.
    """
    above = pixels[:, [0, 2]] - pixels[:, [1]]
    usual: npt.NDArray[np.float64] = np.median(above, axis=0)
    assert (np.abs(above - usual).max(axis=1) <= 3).mean() > 0.95
    return usual
