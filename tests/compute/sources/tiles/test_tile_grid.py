"""Grids of tiles: any box equals the array that was cut; what is missing or odd is named."""

from __future__ import annotations

import pickle
import re
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.compute.sources.reading import boxes

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.sources import cached_source, open_source
from voxlake.compute.sources.tiles.pattern import TilePattern
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import OutOfBoundsError, PlanChangedError, SourceError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL

RNG = np.random.default_rng(5)
U1 = RNG.integers(0, 256, (3, 25, 34), np.uint8)
U2 = RNG.integers(0, 2**16, (2, 2, 3, 25, 34), np.uint16)
RGB = RNG.integers(0, 256, (3, 2, 25, 34), np.uint8)


def cut(voxels: np.ndarray, pattern: Path, tile: tuple[int, int], first: int = 0) -> str:
    """Write (t, c, z, y, x) as tiles; numbers begin at `first`."""
    full = voxels.reshape((1,) * (5 - voxels.ndim) + voxels.shape)
    for t, c, z in np.ndindex(full.shape[:3]):
        for y in range(0, full.shape[3], tile[0]):
            for x in range(0, full.shape[4], tile[1]):
                place = {"t": t, "c": c, "z": z, "y": y // tile[0], "x": x // tile[1]}
                path = TilePattern(str(pattern)).path({n: v + first for n, v in place.items()})
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path, full[t, c, z, y : y + tile[0], x : x + tile[1]])
    return str(pattern)


def write(path: Path, pixels: np.ndarray) -> None:
    if path.suffix == ".png":
        Image.fromarray(pixels).save(path)
    else:
        tifffile.imwrite(path, pixels)


PATTERNS = {
    "{z}/r{y}_c{x}.png": U1,
    "{z}/{y:02}/{x:03}.tif": U1,
    "s{z:04d}_{y}-{x}.tif": U1,
    "{t}/{c}_{z}_{y}_{x}.tif": U2,
    "{t}/{z}/t{t}z{z}_{c}_{y}_{x}.png": U2,
    "{y}_{x}.png": U1[:1],
    "{z}.png": U1,
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_any_box_equals_numpy(tmp_path: Path, pattern: str) -> None:
    voxels = PATTERNS[pattern]

    @settings(max_examples=3)
    @given(st.integers(5, 34), st.integers(5, 34), st.sampled_from([0, 1, 98]), st.data())
    def holds(height: int, width: int, first: int, data: st.DataObject) -> None:
        tile = (height, width) if "{y" in pattern else (25, 34)
        folder = tmp_path / f"{time.monotonic_ns()}"
        source = open_source(cut(voxels, folder / pattern, tile, first))
        source.check()
        assert source.shape == voxels.shape
        assert source.axes == ("t", "c", "z", "y", "x")[-voxels.ndim :]
        assert source.block[-2:] == (min(tile[0], 25), min(tile[1], 34))
        for _ in range(5):
            box = data.draw(boxes(voxels.shape))
            found = source.read(box)
            assert found.flags.c_contiguous
            assert found.dtype == source.dtype == voxels.dtype
            np.testing.assert_array_equal(found, voxels[box.slices])

    holds()


def test_colour_tiles_have_channels(tmp_path: Path) -> None:
    location = str(tmp_path / "{z}_{y}_{x}.png")
    for z, y, x in np.ndindex(2, 3, 2):
        pixels = np.moveaxis(RGB, 0, -1)[z, 10 * y : 10 * y + 10, 20 * x : 20 * x + 20]
        Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / f"{z}_{y}_{x}.png")
    source = open_source(location)
    source.check()
    assert (source.axes, source.shape) == (("c", "z", "y", "x"), RGB.shape)
    assert source.block == (3, 1, 10, 20)
    np.testing.assert_array_equal(source.read(Box.of_shape(RGB.shape)), RGB)
    box = Box((1, 1, 5, 15), (3, 2, 25, 30))
    np.testing.assert_array_equal(source.read(box), RGB[box.slices])


def test_only_the_tiles_of_a_box_are_read(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}_{y}_{x}.png", (10, 10))
    source = open_source(location)
    for path in tmp_path.iterdir():
        if path.name not in {"1_1_1.png", "1_1_2.png"}:
            path.write_bytes(b"torn")
    box = Box((1, 10, 15), (2, 20, 30))
    np.testing.assert_array_equal(source.read(box), U1[box.slices])


def test_padding_is_found_out(tmp_path: Path) -> None:
    cut(U1, tmp_path / "r{y:04}_c{x:02}_{z}.png", (10, 10), 8)
    source = open_source(str(tmp_path / "r{y}_c{x}_{z}.png"))
    np.testing.assert_array_equal(source.read(Box.of_shape(U1.shape)), U1)


def test_two_ways_to_write_a_number(tmp_path: Path) -> None:
    cut(U1[:1], tmp_path / "{y}_{x}.png", (10, 10))
    write(tmp_path / "00_04.png", U1[0, :10, :4])
    with pytest.raises(SourceError, match=r"both 0 and 00 for \{y\}"):
        open_source(str(tmp_path / "{y}_{x}.png"))


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}" / "{z}_{y}_{x}.png", (10, 10))
    (tmp_path / "0" / "Thumbs.db").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "7").write_text("no folder")
    write(tmp_path / "0" / "9_9_9.png", U1[0])  # z of the folder and of the name differ
    np.testing.assert_array_equal(open_source(location).read(Box.of_shape(U1.shape)), U1)


def test_missing_tiles_are_named(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}_{y}_{x}.png", (5, 5))
    for name in ("0_0_1", "1_2_3", "2_4_5"):
        (tmp_path / f"{name}.png").unlink()
    source = open_source(location)
    names = ".*".join(re.escape(f"{name}.png") for name in ("0_0_1", "1_2_3", "2_4_5"))
    with pytest.raises(SourceError, match=names):
        source.check()
    with pytest.raises(SourceError, match=r"1_2_3\.png; restore them, or append \?missing=fill"):
        source.read(Box((1, 12, 0), (2, 13, 34)))
    assert source.read(Box((1, 0, 0), (2, 10, 34))).shape == (1, 10, 34)


def test_many_missing_tiles_are_counted(tmp_path: Path) -> None:
    location = cut(U1[:1], tmp_path / "{y}_{x}.png", (1, 34))
    for y in range(3, 20):
        (tmp_path / f"{y}_0.png").unlink()
    with pytest.raises(SourceError, match=r"3_0\.png.*12_0\.png and 7 more"):
        open_source(location).check()


def test_missing_tiles_are_filled_if_asked(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}_{y}_{x}.png", (10, 10))
    expected = U1.copy()
    for z, y, x in ((0, 0, 0), (0, 0, 1), (2, 2, 3)):
        (tmp_path / f"{z}_{y}_{x}.png").unlink()
        expected[z, 10 * y : 10 * y + 10, 10 * x : 10 * x + 10] = 0
    source = open_source(location + "?missing=fill")
    source.check()
    np.testing.assert_array_equal(source.read(Box.of_shape(U1.shape)), expected)
    (tmp_path / "1_1_1.png").unlink()
    with pytest.raises(SourceError, match=r"1_1_1\.png"):  # it was there: not a gap of the grid
        source.read(Box.of_shape(U1.shape))


def test_odd_tiles_are_named(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}_{y}_{x}.png", (10, 10))
    write(tmp_path / "1_1_1.png", U1[0, :10, :9])
    write(tmp_path / "2_0_3.png", U1[0, :10, :4].astype(np.uint16))
    source = open_source(location)
    with pytest.raises(SourceError, match=r"1_1_1\.png \(10 x 9 uint8\).*2_0_3\.png.*uint16"):
        source.check()
    with pytest.raises(SourceError, match=r"1_1_1\.png"):
        source.read(Box((1, 10, 10), (2, 20, 20)))


def test_a_torn_tile_is_named(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}_{y}_{x}.png", (10, 10))
    torn = tmp_path / "1_1_1.png"
    torn.write_bytes(torn.read_bytes()[:-20])
    source = open_source(location)
    with pytest.raises(SourceError, match=r"1_1_1\.png is truncated"):
        source.check()
    with pytest.raises(SourceError, match=r"1_1_1\.png"):
        source.read(Box.of_shape(U1.shape))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{y}_{x}.png", "no file has such a name"),
        ("{y}_{x}_{mag}.png", r"has the field \{mag\}"),
        ("{y}_{x}.webp", r"names no \.png"),
        ("{y}_{x}.png?missing=zeros", r"the one there is: \?missing=fill"),
        ("{y}_{x}.png?gap=fill", r"the one there is: \?missing=fill"),
    ],
)
def test_locations_of_no_meaning(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(str(tmp_path / name))


def test_a_last_row_that_is_larger(tmp_path: Path) -> None:
    write(tmp_path / "0_0.png", U1[0, :5, :5])
    write(tmp_path / "1_0.png", U1[0, :6, :5])
    with pytest.raises(SourceError, match="last row and column"):
        open_source(str(tmp_path / "{y}_{x}.png"))


def test_numbers_that_are_no_indices(tmp_path: Path) -> None:
    for number in (1, 10**16):
        write(tmp_path / f"{number}_{number}.png", U1[0])
    with pytest.raises(SourceError, match="must count tiles"):
        open_source(str(tmp_path / "{y}_{x}.png"))


def test_channels_in_names_and_pixels(tmp_path: Path) -> None:
    for c in (0, 1):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / f"{c}.png")
    with pytest.raises(SourceError, match="both in its names and in its pixels"):
        open_source(str(tmp_path / "{c}.png"))


def test_a_box_outside_is_refused(tmp_path: Path) -> None:
    source = open_source(cut(U1, tmp_path / "{z}_{y}_{x}.png", (10, 10)))
    with pytest.raises(OutOfBoundsError):
        source.read(Box((0, 0, 0), (3, 25, 35)))


def test_the_fingerprint_sees_changes(tmp_path: Path) -> None:
    location = cut(U1, tmp_path / "{z}_{y}_{x}.png", (10, 10))
    planned = open_source(location).fingerprint
    assert len(pickle.dumps((location, planned))) < 300
    assert cached_source(location, planned).shape == U1.shape
    write(tmp_path / "1_1_1.png", U1[0, 5:15, 5:15])
    with pytest.raises(PlanChangedError):
        cached_source(location, planned + " ")
    changed = open_source(location).fingerprint
    (tmp_path / "1_1_1.png").unlink()
    assert len({planned, changed, open_source(location).fingerprint}) == 3


def test_a_large_grid_opens_quickly(tmp_path: Path) -> None:
    """Names alone tell the shape: of 5,000 tiles, four headers are read."""
    one = tmp_path / "one.png"
    write(one, U1[0, :4, :4])
    (tmp_path / "grid").mkdir()
    for z, n in np.ndindex(2, 2_500):
        (tmp_path / "grid" / f"{z}_{n // 50}_{n % 50}.png").hardlink_to(one)
    began = time.process_time()
    source = open_source(str(tmp_path / "grid" / "{z}_{y}_{x}.png"))
    assert time.process_time() - began < 5
    assert source.shape == (2, 200, 200)


def test_ingest(tmp_path: Path, lake: StoreURL) -> None:
    location = cut(U1, tmp_path / "tiles" / "{z}" / "r{y}_c{x}.png", (10, 16), 1)
    place = Place(DatasetName("c", "e", "em"), Kind.IMAGE)
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        request = IngestRequest(location, place, VoxelSize(10, 10, 10))
        run_job(workspace, start_ingest(workspace, request))
        volume = workspace.dataset(place).level(0)
        np.testing.assert_array_equal(volume.read(volume.box).result(), U1)
