"""The viewer in a real browser: image and labels are drawn where they belong, to the pixel."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
import numpy as np
import pytest
from PIL import Image
from starlette.exceptions import HTTPException
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample
from tests.api.views.conftest import PROJECT
from tests.api.views.viewer.drawn import MESSAGES, wait_until_drawn

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.neuroglancer import viewer_link
from voxlake.api.views.packed_files import PackedFiles
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.ngff.metadata.channels import Channel, Window
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from starlette.responses import Response

READERS = Path(__file__).parents[3] / "readers"

SHAPE = (24, 40, 56)
BRIGHT = Box((9, 12, 17), (12, 20, 27))
"""The one block of the image that is not black."""
LABEL = Box((9, 22, 31), (13, 29, 43))
"""The one block that has a label."""
ID = 2**63 + 11
PIECES = {
    5: Box((9, 24, 8), (13, 31, 12)),
    3: Box((9, 24, 14), (13, 31, 18)),
    4: Box((9, 24, 20), (13, 31, 24)),
}
"""Other labels, each a block."""
PIXELS = 10
"""Screen pixels for each voxel."""
BUTTONS, BORDER = 80, 4
"""Rows at the top of a panel in which the viewer has buttons, and pixels of its frame."""
BACKGROUND = (0, 0, 255)
SLICE = 10
"""The z plane that is looked at; both blocks cross it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway over one image and its labels, both private."""

    url: str
    identity: LocalIdentity
    index_url: StoreURL
    """Of the labels."""

    def login(self, target: str) -> str:
        """Return a login link that goes on to `target`."""
        return f"{self.url}/login?once={self.identity.new_link()}&next={quote(target)}"


PAINTED = {
    Box((9, 8, 8), (12, 16, 16)): (240, 0, 0),
    Box((9, 8, 24), (12, 16, 32)): (0, 200, 100),
    Box((9, 24, 8), (12, 32, 16)): (120, 120, 120),
    Box((9, 24, 24), (12, 32, 32)): (60, 240, 240),
}
"""Blocks of the image of three channels, and what they are to look like."""


def colours(voxel_size: VoxelSize) -> Sample:
    """Return an image of RGB, whose windows draw 20 as black and 120 as the full colour."""
    voxels = np.full((3, *SHAPE), 20, np.uint8)
    for box, colour in PAINTED.items():
        for channel, value in zip(voxels, colour, strict=True):
            channel[box.slices] = 20 + round(value / 2.55)
    window = Window(20, 120, 0, 255)
    described = tuple(
        Channel(name, color, window)
        for name, color in (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
    )
    axes = ("c", "z", "y", "x")
    return Sample("a/b/rgb", voxels, axes=axes, voxel_size=voxel_size, levels=2, channels=described)


@pytest.fixture
def scene(tmp_path: Path, viewer: Path) -> Iterator[Scene]:
    """A gateway over a volume with one bright block and one labelled block."""
    image, labels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint64)
    image[BRIGHT.slices] = 255
    for label, box in {ID: LABEL, **PIECES}.items():
        labels[box.slices] = label
    lake, settings = StoreURL.parse(str(tmp_path / "lake")), Settings()
    size = VoxelSize(40, 10, 10)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample("a/b/em", image, voxel_size=size, levels=3))
        add_sample(
            lake,
            catalog,
            Sample("a/b/cells", labels, Kind.LABELS, of="em", voxel_size=size, levels=3),
        )
        add_sample(lake, catalog, colours(size))
        identity = LocalIdentity(TOKEN)
        app = create_app(settings, lake, catalog, identity, viewer)
        with run_app(app) as url:
            yield Scene(url, identity, lake / "a/b/em.index/cells")


BOUNDS = """() => window.viewer.layerManager.managedLayers.map((managed) => {
  const { names, bounds } = managed.layer.dataSources[0].loadState.transform.value.inputSpace
    ? managed.layer.dataSources[0].loadState.transform.outputSpace.value
    : {};
  return [managed.name, names, Array.from(bounds.lowerBounds), Array.from(bounds.upperBounds)];
})"""

GLOBAL = """() => {
  const { names, bounds, scales, units } = window.viewer.coordinateSpace.value;
  return [names, Array.from(bounds.lowerBounds), Array.from(bounds.upperBounds),
          Array.from(scales), units];
}"""


def canvas(page: Page) -> Any:
    """Return what the viewer's panel shows, its buttons painted over: (rows, columns, rgb)."""
    panel = page.locator(".neuroglancer-rendered-data-panel").first
    png = panel.screenshot()
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    inner = np.full_like(picture, BACKGROUND)
    inside = (slice(BUTTONS, -BORDER), slice(BORDER, -BORDER))
    inner[inside] = picture[inside]
    return inner


def extent(mask: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the half-open rows and columns that a mask spans."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert rows.size, "nothing of it is drawn"
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def expected(box: Box, shape: tuple[int, int]) -> list[float]:
    """Return rows and columns at which a box is to be drawn, the volume's middle in the middle."""
    return [
        pixels / 2 + (edge - SHAPE[axis] / 2) * PIXELS
        for axis, pixels in ((1, shape[0]), (2, shape[1]))
        for edge in (box.start[axis], box.stop[axis])
    ]


def plane_at(plane: int) -> dict[str, Any]:
    """Return what of a state has the viewer draw one z plane, and nothing over it."""
    return {
        "layout": "xy",
        "position": [SHAPE[2] / 2, SHAPE[1] / 2, plane + 0.5],
        "crossSectionScale": 1 / PIXELS,
        "showAxisLines": False,
        "showScaleBar": False,
        "showDefaultAnnotations": False,
        "crossSectionBackgroundColor": "#0000ff",
    }


def look(
    page: Page, scene: Scene, plane: int, select: tuple[int, ...] = (ID,), name: str = "em"
) -> Any:
    """Open the dataset's own state, moved to a z plane and coloured for the eye of a test."""
    answer = page.request.get(f"{scene.url}/v2/datasets/a/b/{name}/neuroglancer")
    state = answer.json()["state"]
    state |= plane_at(plane)
    for layer in state["layers"]:
        if layer["type"] == "segmentation":
            layer |= {
                "segments": [str(label) for label in select],
                "segmentColors": {str(ID): "#ff0000"},
            }
            layer["selectedAlpha"] = 1
    page.goto("about:blank")
    page.goto(viewer_link(f"{scene.url}/neuroglancer/", state))
    wait_until_drawn(page)
    assert page.evaluate(MESSAGES) == []
    return canvas(page)


def test_a_decoder_that_could_not_be_loaded_is_made_again(
    scene: Scene, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many are made as there are cores; the script of the first two does not come."""
    refused: list[str] = []
    answered = PackedFiles.get_response

    async def answer(files: PackedFiles, path: str, scope: Any) -> Response:
        if "async_computation" in path and len(refused) < 2:
            refused.append(path)
            raise HTTPException(503)
        return await answered(files, path, scope)

    monkeypatch.setattr(PackedFiles, "get_response", answer)
    page.goto(scene.login("/view/a/b/cells"))
    wait_until_drawn(page)
    assert len(refused) == 2


def test_image_and_labels_are_drawn_where_they_belong(scene: Scene, page: Page) -> None:
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on(
        "console",
        # A shard of nothing but fill is not stored: the browser notes each 404.
        lambda message: (
            failed.append(message.text)
            if message.type == "error" and "404" not in message.text
            else None
        ),
    )
    page.goto(scene.login("/view/a/b/em"))
    wait_until_drawn(page)
    assert page.url.startswith(f"{scene.url}/neuroglancer/#!")

    # One unit is a voxel of the image, and both layers span [0, N).
    names, lower, upper, scales, units = page.evaluate(GLOBAL)
    assert (names, units) == (["x", "y", "z"], ["m", "m", "m"])
    assert scales == pytest.approx([1e-8, 1e-8, 4e-8])
    assert (lower, upper) == ([0, 0, 0], list(reversed(SHAPE)))
    for name, names, lower, upper in page.evaluate(BOUNDS):
        found = {axis: (lo, hi) for axis, lo, hi in zip(names, lower, upper, strict=True)}
        assert found == {axis: (0, n) for axis, n in zip("zyx", SHAPE, strict=True)}, name

    picture = look(page, scene, SLICE)
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    size = picture.shape[:2]
    white = (red > 200) & (green > 200) & (blue > 200)
    labelled = (red > 200) & (green < 80) & (blue < 80)
    volume = ~((blue > 200) & (red < 80))
    for mask, box in ((white, BRIGHT), (labelled, LABEL), (volume, Box.of_shape(SHAPE))):
        rows, columns = extent(mask)
        assert [*rows, *columns] == pytest.approx(expected(box, size), abs=1.01)
        drawn = mask[rows[0] : rows[1], columns[0] : columns[1]]
        assert drawn.mean() > 0.98 or mask is volume

    # Below and above the blocks there is nothing of them.
    planes = {8: (False, False), 9: (True, True), 12: (False, True), 13: (False, False)}
    for plane, seen in planes.items():
        picture = look(page, scene, plane)
        red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
        got = (
            bool(((red > 200) & (green > 200) & (blue > 200)).any()),
            bool(((red > 200) & (green < 80) & (blue < 80)).any()),
        )
        assert got == seen, plane
    assert failed == []


NAMES = """() => {
  const layer = window.viewer.layerManager.managedLayers.find((one) => one.name === "cells");
  const known = layer.layer.displayState.segmentationGroupState.value.segmentPropertyMap.value;
  const ids = known.segmentPropertyMap.inlineProperties.ids;
  const [size] = known.numericalProperties.filter((each) => each.id === "voxels");
  return [...ids].map((id, place) =>
    [String(id), known.labels.values[place], size.values[place], known.tags.tags]);
}"""


def test_the_viewer_knows_the_names_of_labels(scene: Scene, page: Page) -> None:
    with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as owner:
        url = f"{scene.url}/v2/datasets/a/b/cells/objects/{ID}"
        assert owner.put(url, json={"name": "Tm3 left", "type": "neuron"}).status_code == 200
    page.goto(scene.login("/view/a/b/em"))
    wait_until_drawn(page)
    assert page.evaluate(NAMES) == [[str(ID), "Tm3 left", LABEL.size, ["neuron"]]]


def drawn(picture: Any) -> set[int]:
    """Return the labels whose blocks are not black."""
    middles = {}
    for label, box in {ID: LABEL, **PIECES}.items():
        top, bottom, left, right = expected(box, picture.shape[:2])
        middles[label] = picture[int((top + bottom) / 2), int((left + right) / 2)]
    return {label for label, colour in middles.items() if colour.max() > 60}


def test_selecting_a_supervoxel_shows_its_whole_body(scene: Scene, page: Page) -> None:
    # With a thousand more the state is too long for a header, and fetched by the viewer.
    supervoxels, bodies = [5, 4, *range(1000, 2000)], [ID, 0, *[999] * 1000]
    import_mapping(scene.index_url, supervoxels, bodies)
    page.goto(scene.login("/view/a/b/em"))
    wait_until_drawn(page)
    assert page.url.startswith(f"{scene.url}/neuroglancer/#!%7B")
    assert "equivalences" in page.url
    # With nothing selected all is shown but what is mapped to background.
    picture = look(page, scene, SLICE, select=())
    assert drawn(picture) == {ID, 5, 3}
    panel = page.locator(".neuroglancer-rendered-data-panel").first
    top, bottom, left, right = expected(PIECES[5], picture.shape[:2])
    panel.dblclick(position={"x": (left + right) / 2, "y": (top + bottom) / 2})
    wait_until_drawn(page)
    assert drawn(canvas(page)) == {ID, 5}


def test_channels_are_drawn_in_their_colours_and_windows(scene: Scene, page: Page) -> None:
    page.goto(scene.login("/view/a/b/rgb"))
    wait_until_drawn(page)
    picture = look(page, scene, SLICE, name="rgb")
    for box, colour in PAINTED.items():
        top, bottom, left, right = map(round, expected(box, picture.shape[:2]))
        drawn = picture[top + 2 : bottom - 2, left + 2 : right - 2].reshape(-1, 3)
        assert drawn.size
        np.testing.assert_allclose(drawn, np.broadcast_to(colour, drawn.shape), atol=3)
    rows, columns = (round(n / 2) for n in picture.shape[:2])  # nothing but black is there
    assert (picture[rows - 5 : rows + 5, columns - 40 : columns - 30] <= 2).all()


def test_the_viewer_shows_nothing_without_a_login(scene: Scene, page: Page) -> None:
    answer = page.goto(f"{scene.url}/view/a/b/em")
    assert answer is not None
    assert answer.status == 401
    statuses: list[int] = []
    page.on("response", lambda got: statuses.append(got.status) if "/zarr/" in got.url else None)
    with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as owner:
        link = owner.get(f"{scene.url}/v2/datasets/a/b/em/neuroglancer").json()["link"]
    page.goto(link)
    page.wait_for_function("() => window.viewer !== undefined", timeout=60_000)
    page.wait_for_timeout(2000)
    assert statuses
    assert set(statuses) == {401}


def test_where_the_viewer_is_not_built_a_page_says_what_to_do(
    served: Served, tmp_path: Path
) -> None:
    gateway = served.app.state.gateway
    app = create_app(
        gateway.settings,
        served.lake,
        served.catalog,
        served.identity,
        tmp_path / "no",
    )
    with run_app(app) as url:
        answer = httpx2.get(f"{url}/neuroglancer/")
        assert answer.status_code == 503
        assert "npm run build" in answer.text
        assert "https://neuroglancer-demo.appspot.com/" in answer.text


def test_files_of_the_viewer_are_cached_and_confined(served: Served, viewer: Path) -> None:
    index = httpx2.get(f"{served.url}/neuroglancer/")
    assert index.headers["cache-control"] == "no-cache"
    assert "script-src 'self' 'wasm-unsafe-eval'" in index.headers["content-security-policy"]
    asset = next((viewer / "assets").glob("index-*.js")).name
    found = httpx2.get(f"{served.url}/neuroglancer/assets/{asset}")
    assert found.status_code == 200
    assert "immutable" in found.headers["cache-control"]
    assert "javascript" in found.headers["content-type"]
    assert httpx2.get(f"{served.url}/neuroglancer/none.js").status_code in {401, 404}


@pytest.mark.parametrize(("project", "least"), [(PROJECT, 10), (READERS, 3)])
def test_the_lock_file_names_no_registry(project: Path, least: int) -> None:
    lock = json.loads((project / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert len(packages) > least
    for name, each in packages.items():
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name
