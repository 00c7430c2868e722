"""Slices and tiles: Pillow decodes them, and NumPy says what they show."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.api.conftest import SHAPE, Served
from tests.api.labelled import LARGEST, Labelled, brute_bodies, labelled_gateway

from voxlake.client import Gateway
from voxlake.ngff.drawing.pixels import coloured, grey
from voxlake.ngff.labels.mapping.changes import import_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

EM, SECRET, CELLS, DYES = "lab/brain/em", "lab/brain/secret", "lab/brain/cells", "lab/light/dyes"
PLANES = {"xy": ("z", "y", "x"), "xz": ("y", "z", "x"), "yz": ("x", "z", "y")}
"""The axes across, of rows and of columns."""


def ask(client: httpx2.Client, name: str, path: str, **query: object) -> httpx2.Response:
    """Ask for a picture."""
    given = {key: str(value) for key, value in query.items()}
    return client.get(f"/v2/datasets/{name}/{path}", params=given)


def pixels(answer: httpx2.Response) -> Any:
    """Decode a picture."""
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def across(voxels: Any, plane: str, number: int) -> Any:
    """Return a slice of z, y, x voxels as rows and columns."""
    return np.take(voxels, number, axis="zyx".index(PLANES[plane][0]))


@settings(max_examples=40)
@given(
    name=st.sampled_from([EM, SECRET, CELLS]),
    plane=st.sampled_from(list(PLANES)),
    places=st.tuples(*(st.floats(0, 1, exclude_max=True) for _ in range(5))),
)
def test_a_slice_shows_its_voxels(
    served: Served, owner: httpx2.Client, name: str, plane: str, places: tuple[float, ...]
) -> None:
    extents = dict(zip("zyx", SHAPE, strict=True))
    normal, rows, columns = PLANES[plane]
    number = int(places[0] * extents[normal])
    spans = {}
    for axis, (first, last) in zip((rows, columns), (places[1:3], places[3:5]), strict=True):
        low, high = sorted((int(first * extents[axis]), int(last * extents[axis])))
        # Two at least: of fewer the plane could be another.
        low = min(low, extents[axis] - 2)
        spans[axis] = slice(low, max(high, low + 2))
    ranges = {axis: f"{span.start}:{span.stop}" for axis, span in spans.items()}
    want = across(served.voxels[name], plane, number)[spans[rows], spans[columns]]
    if name == CELLS:
        found = pixels(ask(owner, name, "image", **{normal: number}, **ranges))
        np.testing.assert_array_equal(found, coloured(want))
    else:
        window = {"window": "100:3000"} if name == SECRET else {}
        found = pixels(ask(owner, name, "image", **{normal: number}, **ranges, **window))
        np.testing.assert_array_equal(found, grey(want, (100, 3000)) if window else want)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("name", [EM, CELLS])
def test_tiles_are_put_together_to_the_slice(
    served: Served, owner: httpx2.Client, name: str, plane: str, level: int
) -> None:
    voxels = served.voxels[name][:, ::2, ::2] if level else served.voxels[name]
    size, number = 16, 9
    whole = across(voxels, plane, number)
    want = whole if name == EM else coloured(whole)
    rows, columns = (-(-n // size) for n in whole.shape)
    tiles = [
        [
            pixels(ask(owner, name, f"tiles/{plane}/{level}/{number}/{x}/{y}", size=size))
            for x in range(columns)
        ]
        for y in range(rows)
    ]
    found = np.concatenate([np.concatenate(row, axis=1) for row in tiles], axis=0)
    assert found.shape[:2] == (rows * size, columns * size)
    height, width = whole.shape
    np.testing.assert_array_equal(found[:height, :width], want)
    assert not found[height:].any()
    assert not found[:, width:].any()


def test_a_tile_of_one_row_lies_as_its_plane_does(served: Served, owner: httpx2.Client) -> None:
    """The last row of tiles along z has voxels 44 alone, with tiles of 22."""
    found = pixels(ask(owner, EM, "tiles/yz/0/7/1/2", size=22))
    np.testing.assert_array_equal(found[0], served.voxels[EM][44, 22:44, 7])
    assert not found[1:].any()


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_every_format(served: Served, owner: httpx2.Client, form: str) -> None:
    answer = ask(owner, EM, "image", z=3, format=form)
    assert answer.headers["content-type"] == f"image/{form}"
    found = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L")).astype(int)
    # Noise is what lossy formats are worst at.
    off = np.abs(found - served.voxels[EM][3]).mean()
    assert off == 0 if form == "png" else off < 16
    labels = ask(owner, CELLS, "tiles/xy/0/3/0/0", format=form, size=64)
    if form == "jpeg":
        assert labels.status_code == 406
        assert "png" in labels.json()["detail"]
    else:
        np.testing.assert_array_equal(pixels(labels), coloured(served.voxels[CELLS][3, :64, :64]))


def test_a_time_point_and_a_channel_are_chosen(served: Served, anonymous: httpx2.Client) -> None:
    voxels = served.voxels[DYES]
    for t in range(2):
        for c in range(3):
            answer = ask(anonymous, DYES, "image", t=t, c=c, z=4, window="0:4999")
            np.testing.assert_array_equal(pixels(answer), grey(voxels[t, c, 4], (0, 4999)))
            tile = ask(anonymous, DYES, "tiles/xz/0/5/0/0", t=t, c=c, window="0:4999", size=20)
            np.testing.assert_array_equal(pixels(tile), grey(voxels[t, c, :, 5, :20], (0, 4999)))
    first = ask(anonymous, DYES, "image", z=4, window="0:4999")
    np.testing.assert_array_equal(pixels(first), grey(voxels[0, 0, 4], (0, 4999)))


def test_the_window_is_told(served: Served, owner: httpx2.Client) -> None:
    answer = ask(owner, SECRET, "image", z=4)
    coarse = served.voxels[SECRET][:, ::2, ::2]
    low, high = (float(end) for end in answer.headers["x-voxlake-window"].split(":"))
    assert (low, high) == (
        np.floor(np.percentile(coarse, 0.1)),
        np.ceil(np.percentile(coarse, 99.9)),
    )
    np.testing.assert_array_equal(pixels(answer), grey(served.voxels[SECRET][4], (low, high)))
    assert ask(owner, EM, "image", z=4).headers["x-voxlake-window"] == "0:255"
    turned = ask(owner, EM, "image", z=4, window="255:0")
    np.testing.assert_array_equal(pixels(turned), 255 - served.voxels[EM][4])


@pytest.mark.parametrize(
    ("name", "path", "query", "status", "kind"),
    [
        (EM, "image", {}, 400, "invalid-input"),
        (EM, "image", {"z": "3:5"}, 400, "invalid-input"),
        (EM, "image", {"z": "45"}, 400, "out-of-bounds"),
        (EM, "image", {"z": "3", "window": "5:5"}, 400, "invalid-input"),
        (EM, "image", {"z": "3", "window": "a"}, 400, "invalid-input"),
        (EM, "image", {"z": "3", "bodies": "true"}, 400, "unsupported"),
        (EM, "image", {"z": "3", "filter": "1"}, 400, "unsupported"),
        (EM, "image", {"z": "3", "format": "npy"}, 406, "not-acceptable"),
        (CELLS, "image", {"z": "3", "window": "0:9"}, 400, "invalid-input"),
        (CELLS, "image", {"z": "3", "filter": "x"}, 400, "invalid-input"),
        (DYES, "image", {"z": "3", "c": "0:2"}, 400, "invalid-input"),
        (DYES, "image", {"z": "3", "c": "3"}, 400, "out-of-bounds"),
        (EM, "tiles/zx/0/0/0/0", {}, 400, "invalid-input"),
        (EM, "tiles/xy/2/0/0/0", {}, 400, "out-of-bounds"),
        (EM, "tiles/xy/0/45/0/0", {}, 400, "out-of-bounds"),
        (EM, "tiles/xy/0/0/1/0", {}, 400, "out-of-bounds"),
        (EM, "tiles/xy/0/0/0/1", {}, 400, "out-of-bounds"),
        (EM, "tiles/xy/0/0/0/-1", {}, 400, "invalid-input"),
        (EM, "tiles/xy/0/0/0/0", {"size": "0"}, 400, "invalid-input"),
        (EM, "tiles/xy/0/0/0/0", {"size": "5000"}, 400, "invalid-input"),
        (DYES, "tiles/xy/0/0/0/0", {"c": "3"}, 400, "out-of-bounds"),
        ("lab/brain/vast", "image", {"z": "0"}, 413, "limit-exceeded"),
    ],
)
def test_what_is_no_picture_is_refused(
    owner: httpx2.Client, name: str, path: str, query: dict[str, str], status: int, kind: str
) -> None:
    answer = ask(owner, name, path, **query)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:voxlake:error:{kind}")


@pytest.mark.parametrize(("name", "shared"), [(EM, "public"), (SECRET, "private")])
def test_viewers_keep_pictures_and_ask_whether_they_hold(
    owner: httpx2.Client, name: str, shared: str
) -> None:
    url = f"/v2/datasets/{name}/tiles/xy/0/3/0/0"
    first = owner.get(url)
    assert first.headers["cache-control"] == f"{shared}, no-cache"
    assert int(first.headers["content-length"]) == len(first.content)
    again = owner.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = owner.get(f"{url}?window=0:9", headers={"If-None-Match": first.headers["etag"]})
    assert (other.status_code, other.headers["etag"]) != (304, first.headers["etag"])
    head = owner.head(url)
    assert (head.headers["etag"], head.content) == (first.headers["etag"], b"")


OWNERS = {1: 70, 2: 70, (1 << 53) + 1: LARGEST, 3: 0}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("pictures")) as served:
        import_mapping(served.opened()[1], list(OWNERS), list(OWNERS.values()))
        yield served


def test_bodies_and_some_labels(labelled: Labelled) -> None:
    bodies = brute_bodies(labelled.voxels, OWNERS)[6]
    with labelled.client("bob") as bob:
        answer = bob.get("cells/image", params={"z": "6", "bodies": "true"})
        assert answer.headers["x-voxlake-mapping"] == "1"
        np.testing.assert_array_equal(pixels(answer), coloured(bodies))
        answer = bob.get("cells/image", params={"z": "6", "bodies": "true", "filter": "70"})
    np.testing.assert_array_equal(pixels(answer), coloured(np.where(bodies == 70, bodies, 0)))


def test_the_client_asks_for_pictures(served: Served, labelled: Labelled) -> None:
    with Gateway(served.url, "") as gateway:
        picture = gateway.picture(EM, "3:4,:,5:50", window=(10, 90))
        shown = np.asarray(Image.open(io.BytesIO(picture)))
        np.testing.assert_array_equal(shown, grey(served.voxels[EM][3, :, 5:50], (10, 90)))
        coarse = np.asarray(Image.open(io.BytesIO(gateway.picture(EM, "3:4,:,:", level=1))))
        np.testing.assert_array_equal(coarse, served.voxels[EM][3, ::2, ::2])
    with Gateway(labelled.url, labelled.token("bob")) as gateway:
        picture = gateway.picture("lab/brain/cells", "3:4,:,:", filter=[1])
    only = np.where(labelled.voxels[3] == 1, labelled.voxels[3], 0)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(picture))), coloured(only))
