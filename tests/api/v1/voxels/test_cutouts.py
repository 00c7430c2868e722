"""Cutouts of bossDB's API: intern is told the voxels, NumPy is the judge."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagecodecs import jpeg8_decode
from intern.resource.boss.resource import ChannelResource
from tests.api.conftest import SHAPE
from tests.api.v1.conftest import FRAME

if TYPE_CHECKING:
    import httpx2
    from tests.api.conftest import Served

    type Span = tuple[int, int]


@st.composite
def spans(draw: st.DrawFn, shape: tuple[int, ...] = SHAPE) -> list[Span]:
    """Draw spans x, y, z inside a shape z, y, x."""
    ends = [sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in shape]
    return [(lo, hi) for lo, hi in reversed(ends)]


def block(voxels: Any, box: list[Span]) -> Any:
    x, y, z = box
    return voxels[..., slice(*z), slice(*y), slice(*x)]


def read(boss: Any, name: str, level: int, box: list[Span], **options: Any) -> Any:
    """Return a cutout by intern."""
    collection, experiment, channel = name.split("/")
    resource = ChannelResource(channel, collection, experiment, datatype="uint8")
    resource = boss.get_project(resource)
    ranges = [list(each) for each in box]
    return boss.get_cutout(resource, level, *ranges, parallel=False, **options)


@settings(max_examples=10)
@given(box=spans(), name=st.sampled_from(["em", "cells", "few", "secret"]))
def test_any_box_by_intern(bossdb: Served, boss: Any, box: list[Span], name: str) -> None:
    got = read(boss, f"lab/brain/{name}", 0, box)
    want = block(bossdb.voxels[f"lab/brain/{name}"], box)
    assert got.dtype == ("uint64" if name == "few" else want.dtype)
    np.testing.assert_array_equal(got, want)


def test_what_is_public_needs_no_token(bossdb: Served, public_boss: Any) -> None:
    box = [(1, 9), (2, 7), (3, 5)]
    got = read(public_boss, "lab/brain/em", 0, box)
    np.testing.assert_array_equal(got, block(bossdb.voxels["lab/brain/em"], box))


def test_levels_have_zeros_beyond_their_voxels(bossdb: Served, boss: Any) -> None:
    # bossDB bounds boxes of every level by the frame, which has the voxels of level 0.
    coarse = bossdb.voxels["lab/brain/em"][:, ::2, ::2]
    whole = np.zeros(SHAPE, np.uint8)
    whole[tuple(slice(0, n) for n in coarse.shape)] = coarse
    z, y, x = SHAPE
    got = read(boss, "lab/brain/em", 1, [(0, x), (0, y), (0, z)])
    np.testing.assert_array_equal(got, whole)
    beyond = read(boss, "lab/brain/em", 1, [(x - 3, x), (0, 5), (0, 5)])
    assert beyond.shape == (5, 5, 3)
    assert not beyond.any()


def test_frames_that_begin_elsewhere(bossdb: Served, boss: Any) -> None:
    film = bossdb.voxels["lab/light/film"]
    t, z, y, x = film.shape
    starts, stops = FRAME.start, FRAME.stop
    whole = np.zeros((t, *np.subtract(stops, starts)), np.uint16)
    whole[:, :z, :y, :x] = film
    box = [(lo, hi) for lo, hi in zip(reversed(starts), reversed(stops), strict=True)]
    np.testing.assert_array_equal(read(boss, "lab/light/film", 0, box), whole[0])
    got = read(boss, "lab/light/film", 0, box, time_range=[1, 3])
    np.testing.assert_array_equal(got, whole[1:3])
    inner = [(8, 14), (-10, 3), (2, 9)]
    moved = [(lo - start, hi - start) for (lo, hi), start in zip(inner, starts[::-1], strict=True)]
    got = read(boss, "lab/light/film", 0, inner, time_range=[2, 3])
    np.testing.assert_array_equal(got, block(whole[2:3], moved))


def test_time_of_what_has_none(bossdb: Served, boss: Any) -> None:
    box = [(0, 5), (0, 6), (0, 7)]
    got = read(boss, "lab/brain/em", 0, box, time_range=[0, 1])
    np.testing.assert_array_equal(got, block(bossdb.voxels["lab/brain/em"], box)[None])


def test_annotations_are_filtered_by_ids(bossdb: Served, boss: Any) -> None:
    cells = bossdb.voxels["lab/brain/cells"]
    z, y, x = SHAPE
    kept = [3, (1 << 53) + 1]
    got = read(boss, "lab/brain/cells", 0, [(0, x), (0, y), (0, z)], id_list=kept)
    np.testing.assert_array_equal(
        got, np.where(np.isin(cells, np.array(kept, np.uint64)), cells, 0)
    )


ADDRESS = "/latest/cutout/lab/brain/em/0/3:40/5:25/10:21/"


def test_every_format(bossdb: Served, web: httpx2.Client) -> None:
    want = block(bossdb.voxels["lab/brain/em"], [(3, 40), (5, 25), (10, 21)])

    def ask(accept: str) -> httpx2.Response:
        answer = web.get(ADDRESS, headers={"Accept": accept}, params={"access-mode": "no-cache"})
        assert answer.status_code == 200
        return answer

    assert ask("*/*").headers["content-type"] == "application/blosc"
    npygz = np.load(BytesIO(zlib.decompress(ask("application/npygz").content)))
    np.testing.assert_array_equal(npygz, want)
    with h5py.File(BytesIO(ask("application/hdf5").content)) as file:
        stored = [each for each in file.values() if isinstance(each, h5py.Dataset)]
        np.testing.assert_array_equal(stored[0][...], want)
    picture = jpeg8_decode(ask("image/jpeg").content)
    assert picture.shape == (11 * 20, 37)
    noise = np.abs(picture.reshape(want.shape).astype(int) - want)
    assert noise.mean() < 40


def test_hdf5_in_time(bossdb: Served, web: httpx2.Client) -> None:
    film = bossdb.voxels["lab/light/film"]
    box = [(8, 44), (-8, 3), (18, 21)]
    moved = [(lo - n, hi - n) for (lo, hi), n in zip(box, FRAME.start[::-1], strict=True)]
    path = "/".join(f"{lo}:{hi}" for lo, hi in box)
    for end, want in (("", film[0]), ("/1:3", film[1:3]), ("/2:3", film[2:3])):
        answer = web.get(
            f"/v1/cutout/lab/light/film/0/{path}{end}", headers={"Accept": "application/hdf5"}
        )
        assert answer.status_code == 200
        with h5py.File(BytesIO(answer.content)) as file:
            [stored] = [each for each in file.values() if isinstance(each, h5py.Dataset)]
            assert stored.dtype == np.uint16
            np.testing.assert_array_equal(stored[...], padded(want, moved))


def padded(voxels: Any, box: list[Span]) -> Any:
    """Return a box x, y, z that may reach beyond the voxels: zeros there."""
    wide = [(0, 0)] * (voxels.ndim - 3) + [(0, 30)] * 3
    return block(np.pad(voxels, wide), box)


def test_what_cannot_be_answered(web: httpx2.Client, nobody: httpx2.Client) -> None:
    for path, accept, status, code in [
        ("lab/brain/em/0/0:5/0:5/5:5", "*/*", 400, 1003),
        ("lab/brain/em/0/0:5/0:5/0:46", "*/*", 400, 1001),
        ("lab/brain/em/0/-1:5/0:5/0:5", "*/*", 400, 1001),
        ("lab/brain/em/9/0:5/0:5/0:5", "*/*", 400, 1002),
        ("lab/brain/em/0/0:5/0:5/0:5/1:2", "*/*", 400, 1001),
        ("lab/light/film/0/5:6/0:5/0:5/2:4", "*/*", 400, 1001),
        ("lab/light/dyes/0/5:6/0:5/0:5", "*/*", 400, 1003),
        ("lab/brain/em/0/0:5/0:5/0:5?filter=3", "*/*", 400, 1003),
        ("lab/brain/em/0/0:5/0:5/a:b", "*/*", 400, 1003),
        ("lab/brain/em/0/0:5/0:5/0:5?access-mode=none", "*/*", 400, 1003),
        ("lab/brain/cells/0/0:5/0:5/0:5", "image/jpeg", 406, 1003),
        ("lab/brain/em/0/0:5/0:5/0:5", "application/blosc-python", 406, 1003),
        ("lab/brain/vast/0/0:99999/0:99999/0:9", "*/*", 413, 2000),
        ("lab/brain/absent/0/0:5/0:5/0:5", "*/*", 404, 4000),
    ]:
        answer = web.get(f"/v1/cutout/{path}", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    hidden = nobody.get("/v1/cutout/lab/brain/secret/0/0:5/0:5/0:5")
    assert (hidden.status_code, hidden.json()["code"]) == (401, 3004)


@pytest.mark.parametrize("accept", ["application/npygz", "image/jpeg"])
def test_what_neuroglancer_asks_for(bossdb: Served, nobody: httpx2.Client, accept: str) -> None:
    """A chunk that is clipped by the volume, as nobody in particular, with its window."""
    z, y, x = SHAPE
    path = f"/latest/cutout/lab/brain/em/0/0:{x}/0:{y}/32:{z}/"
    answer = nobody.get(path, params={"window": "0,200"}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == accept
