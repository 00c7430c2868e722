"""Images and tiles of bossDB's API: Pillow decodes them, and NumPy says what they show."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.api.conftest import SHAPE
from tests.api.v1.conftest import FRAME

from voxlake.ngff.drawing.pixels import coloured

if TYPE_CHECKING:
    import httpx2
    from tests.api.conftest import Served

ACROSS = {"xy": "z", "xz": "y", "yz": "x"}
EM, CELLS, SECRET, FILM = "lab/brain/em", "lab/brain/cells", "lab/brain/secret", "lab/light/film"


def pixels(answer: httpx2.Response, form: str = "png") -> Any:
    """Decode a picture."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"image/{form}"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def drawn(name: str, voxels: Any) -> Any:
    """Return pixels of voxels, as bossDB draws them."""
    if name == CELLS:
        return coloured(voxels)
    return voxels // 256 if voxels.dtype == np.uint16 else voxels


def framed(voxels: Any) -> Any:
    """Return voxels t, z, y, x in the frame in which they lie, which is larger."""
    whole = np.zeros((len(voxels), *np.subtract(FRAME.stop, FRAME.start)), voxels.dtype)
    whole[tuple(slice(0, n) for n in voxels.shape)] = voxels
    return whole


@settings(max_examples=30)
@given(
    name=st.sampled_from([EM, CELLS, SECRET]),
    plane=st.sampled_from(list(ACROSS)),
    spans=st.tuples(
        *(st.sets(st.integers(0, n), min_size=2, max_size=2).map(sorted) for n in SHAPE)
    ),
)
def test_an_image_shows_its_voxels(
    bossdb: Served, web: httpx2.Client, name: str, plane: str, spans: tuple[list[int], ...]
) -> None:
    ends = dict(zip("zyx", spans, strict=True))
    number, across = ends[ACROSS[plane]][0], "zyx".index(ACROSS[plane])
    block = bossdb.voxels[name][tuple(slice(*span) for span in spans)]
    want = drawn(name, np.take(block, 0, axis=across))
    texts = {axis: f"{lo}:{hi}" for axis, (lo, hi) in ends.items()} | {ACROSS[plane]: str(number)}
    path = f"/latest/image/{name}/{plane}/0/{texts['x']}/{texts['y']}/{texts['z']}/"
    np.testing.assert_array_equal(pixels(web.get(path)), want)


@pytest.mark.parametrize("plane", ACROSS)
def test_frames_that_begin_elsewhere(bossdb: Served, web: httpx2.Client, plane: str) -> None:
    whole = framed(bossdb.voxels[FILM])
    starts = dict(zip("zyx", FRAME.start, strict=True))
    stops = dict(zip("zyx", FRAME.stop, strict=True))
    axis = ACROSS[plane]
    texts = {name: f"{starts[name]}:{stops[name]}" for name in "zyx"}
    texts |= {axis: str(starts[axis] + 3)}
    path = f"/v1/image/{FILM}/{plane}/0/{texts['x']}/{texts['y']}/{texts['z']}"
    for time, end in ((0, ""), (0, "/0"), (2, "/2/")):
        want = np.take(whole[time], 3, axis="zyx".index(axis)) // 256
        found = pixels(web.get(path + end, params={"access-mode": "no-cache"}))
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("plane", ACROSS)
@pytest.mark.parametrize("name", [EM, CELLS])
def test_tiles_are_counted_from_zero(
    bossdb: Served, web: httpx2.Client, name: str, plane: str
) -> None:
    size, number, axis = 5, 9, "zyx".index(ACROSS[plane])
    want = drawn(name, np.take(bossdb.voxels[name], number, axis=axis))
    for row, column in ((0, 0), (1, 3)):
        places = {ACROSS[plane]: number, plane[0]: column, plane[1]: row}
        path = f"/v1/tile/{name}/{plane}/{size}/0/{places['x']}/{places['y']}/{places['z']}"
        tile = want[row * size : (row + 1) * size, column * size : (column + 1) * size]
        np.testing.assert_array_equal(pixels(web.get(path)), tile)


def test_tiles_below_zero_and_in_time(bossdb: Served, web: httpx2.Client) -> None:
    whole = framed(bossdb.voxels[FILM])
    # y begins at -10, and x at 5: tile -1 along y and 1 along x is of voxels -8:0 and 8:16.
    want = whole[1, 4, 2:10, 3:11] // 256
    answer = web.get(f"/v1/tile/{FILM}/xy/8/0/1/-1/4/1/")
    np.testing.assert_array_equal(pixels(answer), want)


def test_a_coarse_level(bossdb: Served, web: httpx2.Client) -> None:
    coarse = bossdb.voxels[EM][:, ::2, ::2]
    found = pixels(web.get(f"/v1/tile/{EM}/xy/8/1/1/0/7"))
    np.testing.assert_array_equal(found, coarse[7, :8, 8:16])


def test_jpeg_if_it_is_asked_for(bossdb: Served, web: httpx2.Client) -> None:
    answer = web.get(f"/v1/image/{EM}/xy/0/0:32/0:32/4", headers={"Accept": "image/jpeg"})
    noise = np.abs(pixels(answer, "jpeg").astype(int) - bossdb.voxels[EM][4, :32, :32])
    assert noise.mean() < 40


def test_a_picture_is_known_again(web: httpx2.Client) -> None:
    path = f"/v1/tile/{EM}/xy/16/0/0/0/4"
    first = web.get(path)
    again = web.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_cannot_be_drawn(web: httpx2.Client, nobody: httpx2.Client) -> None:
    for path, accept, status, code in [
        (f"image/{EM}/xy/0/0:5/0:5/0:5", "*/*", 400, 1003),
        (f"image/{EM}/xy/0/0:5/3/5", "*/*", 400, 1003),
        (f"image/{EM}/xz/0/0:5/0:5/3", "*/*", 400, 1003),
        (f"image/{EM}/zy/0/0:5/0:5/3", "*/*", 400, 1003),
        (f"image/{EM}/xy/0/0:5/5:5/3", "*/*", 400, 1003),
        (f"image/{EM}/xy/0/0:5/0:5/a", "*/*", 400, 1003),
        (f"image/{EM}/xy/0/0:5/0:5/{SHAPE[0]}", "*/*", 400, 1001),
        (f"image/{EM}/xy/0/-1:5/0:5/3", "*/*", 400, 1001),
        (f"image/{EM}/xy/9/0:5/0:5/3", "*/*", 400, 1002),
        (f"image/{EM}/xy/0/0:5/0:5/3/1", "*/*", 400, 1001),
        (f"image/{EM}/xy/0/0:5/0:5/3?access-mode=none", "*/*", 400, 1003),
        (f"tile/{EM}/xy/512/0/0/0/3", "*/*", 400, 1001),
        (f"tile/{EM}/xy/8/0/-1/0/3", "*/*", 400, 1001),
        (f"tile/{EM}/xy/0/0/0/0/3", "*/*", 400, 1003),
        (f"image/{CELLS}/xy/0/0:5/0:5/3", "image/jpeg", 406, 1003),
        (f"image/{EM}/xy/0/0:5/0:5/3", "image/webp", 406, 1003),
        ("image/lab/brain/vast/xy/0/0:99999/0:99999/9", "*/*", 413, 2000),
        ("tile/lab/brain/absent/xy/8/0/0/0/3", "*/*", 404, 4000),
    ]:
        answer = web.get(f"/v1/{path}", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    hidden = nobody.get(f"/v1/image/{SECRET}/xy/0/0:5/0:5/3")
    assert (hidden.status_code, hidden.json()["code"]) == (401, 3004)
