"""MRC: files by mrcfile, and by hand where it writes none such, are read as NumPy holds them."""

from __future__ import annotations

import bz2
import gzip
import os
import struct
import warnings
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compute.sources.reading import assert_reads, assert_whole, block, boxes, cut, fails

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

RNG = np.random.default_rng(4)
SHAPE = (6, 9, 12)
MODES = {
    0: RNG.integers(-128, 128, SHAPE, "i1"),
    1: RNG.integers(-(2**15), 2**15, SHAPE, "i2"),
    2: RNG.random(SHAPE, "f4"),
    6: RNG.integers(0, 2**16, SHAPE, "u2"),
    12: RNG.random(SHAPE).astype("f2"),
}
U2 = MODES[6]
IMOD = 1146047817


def write(path: Path, voxels: np.ndarray, size: Any = (4, 5, 40), **header: int) -> str:
    """Write a file with mrcfile; `header` sets fields."""
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(voxels)
        file.voxel_size = size
        for name, value in header.items():
            file.header[name] = value
    return str(path)


def header_by_hand(order: str, shape: tuple[int, int, int], mode: int, **fields: int) -> bytearray:
    """Return the 1024 bytes as the standard lays them out."""
    body = bytearray(1024)
    z, y, x = shape
    struct.pack_into(f"{order}4i", body, 0, x, y, z, mode)
    struct.pack_into(f"{order}3i3f", body, 28, x, y, z, 4.0 * x, 5.0 * y, 40.0 * z)
    struct.pack_into(f"{order}3i", body, 64, 1, 2, 3)
    struct.pack_into(f"{order}2i", body, 88, 1, fields.get("extended", 0))
    struct.pack_into(f"{order}2i", body, 152, fields.get("stamp", 0), fields.get("flags", 0))
    if fields.get("marked", 1):
        body[208:212] = b"MAP "
        body[212:216] = bytes((0x44, 0x44, 0, 0)) if order == "<" else bytes((0x11, 0x11, 0, 0))
    return body


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mrc")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode(tmp_path: Path, mode: int) -> None:
    source = open_source(write(tmp_path / "v.mrc", MODES[mode]))
    expected = MODES[mode].astype("f4") if mode == 12 else MODES[mode]
    assert source.dtype == expected.dtype
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4, "angstrom")
    assert block(source) == (1, 1, 12)
    assert_whole(source, expected)


@settings(max_examples=20)
@given(mode=st.sampled_from(list(MODES)), data=st.data())
def test_any_box(folder: Path, mode: int, data: st.DataObject) -> None:
    path = folder / f"{mode}.mrc"
    if not path.exists():
        write(path, MODES[mode])
    assert_reads(
        open_source(str(path)),
        data.draw(boxes(SHAPE)),
        MODES[mode].astype("f4") if mode == 12 else MODES[mode],
    )


@pytest.mark.parametrize("suffix", [".mrc", ".mrcs", ".map", ".rec", ".st", ".ali", ".MRC"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("extended", [0, 1312])
@pytest.mark.parametrize("marked", [0, 1])
def test_byte_orders_and_extended_headers(
    tmp_path: Path, suffix: str, order: str, extended: int, marked: int
) -> None:
    path = tmp_path / f"v{suffix}"
    header = header_by_hand(order, SHAPE, 1, extended=extended, marked=marked)
    path.write_bytes(bytes(header) + b"\xff" * extended + MODES[1].astype(f"{order}i2").tobytes())
    source = open_source(str(path))
    assert_whole(source, MODES[1])
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4, "angstrom")


@pytest.mark.parametrize(
    ("stamp", "flags", "dtype"), [(0, 0, "i1"), (IMOD, 0, "u1"), (IMOD, 1, "i1"), (IMOD, 4, "u1")]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_bytes_are_signed_unless_imod_says_otherwise(
    tmp_path: Path, stamp: int, flags: int, dtype: str, order: str
) -> None:
    header = header_by_hand(order, SHAPE, 0, stamp=stamp, flags=flags)
    (tmp_path / "v.rec").write_bytes(bytes(header) + MODES[0].tobytes())
    assert_whole(open_source(str(tmp_path / "v.rec")), MODES[0].view(dtype))


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_packed(tmp_path: Path, suffix: str, pack: Any) -> None:
    body = Path(write(tmp_path / "v.mrc", U2)).read_bytes()
    path = tmp_path / f"v.map{suffix}"
    path.write_bytes(pack(body))
    source = open_source(str(path))
    assert block(source) == SHAPE
    assert_whole(source, U2)
    assert source.calibration.voxel_size == VoxelSize(40, 5, 4, "angstrom")
    for length in (0, 10, len(pack(body)) // 2, -1):
        path.write_bytes(pack(body)[:length])
        fails(path, path.name)
    path.write_bytes(pack(body[:-1]))
    fails(path, path.name, "truncated")


def test_a_stack_of_volumes_has_times(tmp_path: Path) -> None:
    voxels = RNG.integers(0, 2**16, (3, *SHAPE), "u2")
    source = open_source(write(tmp_path / "v.mrc", voxels, ispg=401))
    assert source.axes == ("t", "z", "y", "x")
    assert_whole(source, voxels)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((1, 2, 3), U2),
        ((0, 0, 0), U2),  # left open
        ((3, 2, 1), U2.transpose(2, 1, 0)),  # columns are z
        ((2, 1, 3), U2.transpose(0, 2, 1)),  # columns are y
    ],
)
def test_the_order_of_axes(
    tmp_path: Path, order: tuple[int, int, int], expected: np.ndarray
) -> None:
    mapped = dict(zip(("mapc", "mapr", "maps"), order, strict=True))
    assert_whole(open_source(write(tmp_path / "v.map", U2, **mapped)), expected)


def test_one_image(tmp_path: Path) -> None:
    assert_whole(open_source(write(tmp_path / "v.mrc", U2[0])), U2[:1])


@pytest.mark.parametrize("header", [{"mx": 0}, {"cella": 0}])
def test_no_voxel_size(tmp_path: Path, header: dict[str, int]) -> None:
    assert open_source(write(tmp_path / "v.mrc", U2, **header)).calibration.voxel_size is None


def test_what_mrcfile_reads_is_what_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "v.mrc", U2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = np.array(mrcfile.read(path))
    assert_whole(open_source(path), oracle)


@pytest.mark.parametrize("length", [0, 100, 1023, 1024, 1500, -1])
def test_truncated(tmp_path: Path, length: int) -> None:
    path = Path(write(tmp_path / "v.mrc", U2))
    source = open_source(str(path))
    cut(path, length)
    fails(path, "v.mrc", "truncated")
    with pytest.raises(SourceError, match="truncated"):
        source.read(Box.of_shape(SHAPE))


def test_padding_but_no_section_may_follow(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "v.mrc", U2))
    body = path.read_bytes()
    path.write_bytes(body + bytes(100))
    assert_whole(open_source(str(path)), U2)
    path.write_bytes(body + U2[0].tobytes())
    fails(path, "v.mrc", "more than it should")


@pytest.mark.parametrize("mode", [3, 4, 16, 101, 7])
def test_modes_that_are_not_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "v.mrc"
    path.write_bytes(bytes(header_by_hand("<", SHAPE, mode)) + bytes(9999))
    fails(path, "v.mrc", "complex" if mode == 4 else f"mode {mode}")


@pytest.mark.parametrize(
    ("offset", "value", "word"),
    [
        (0, 0, "extents"),
        (8, -3, "extents"),
        (92, -8, "extended header"),
        (92, 1 << 30, "truncated"),
    ],
)
def test_wrong_headers(tmp_path: Path, offset: int, value: int, word: str) -> None:
    body = header_by_hand("<", SHAPE, 1)
    struct.pack_into("<i", body, offset, value)
    (tmp_path / "v.mrc").write_bytes(bytes(body) + MODES[1].tobytes())
    fails(tmp_path / "v.mrc", "v.mrc", word)


def test_volumes_that_do_not_fit_the_sections(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "v.mrc", np.stack([U2, U2]), ispg=401))
    with path.open("r+b") as file:
        file.seek(36)
        file.write(struct.pack("<i", 5))
    fails(path, "volumes of 5 sections, and 12")


def test_something_else(tmp_path: Path) -> None:
    for body in (b"no such file", b"x" * 5000, bytes(5000), RNG.bytes(5000)):
        (tmp_path / "v.map").write_bytes(body)
        fails(tmp_path / "v.map", "v.map")
    fails(tmp_path / "w.mrc", "nothing is there")


def test_the_fingerprint_follows_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "v.mrc", U2)
    before = open_source(path).fingerprint
    assert open_source(path).fingerprint == before
    os.utime(path, (1, 1))
    assert open_source(path).fingerprint != before
