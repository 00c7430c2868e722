"""Our readers of plain TIFF and of PNG are equal to tifffile and Pillow, and tell torn files."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from voxlake.compute.sources import open_source
from voxlake.compute.sources.images.png import decode_png
from voxlake.compute.sources.images.tiff.plain_tiff import open_plain_tiff
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: list[dict[str, Any]] = [
    {},
    {"bigtiff": True},
    {"byteorder": "<"},
    {"rowsperstrip": 3},
    {"metadata": None, "description": "words"},
]
OTHER: list[dict[str, Any]] = [
    {"compression": "zlib"},
    {"tile": (16, 16)},
    {"byteorder": ">"},
    {"photometric": "miniswhite"},
]


def smooth(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """Pixels like a picture's, for which writers choose every filter."""
    rng = np.random.default_rng(seed)
    ramp = np.cumsum(rng.integers(0, 7, shape), axis=1) + np.cumsum(
        rng.integers(0, 5, shape), axis=0
    )
    return (ramp * (257 if dtype == "uint16" else 1)).astype(dtype)


@pytest.mark.parametrize("options", PLAIN)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
def test_plain_files_are_read_by_rows(tmp_path: Path, options: dict[str, Any], dtype: str) -> None:
    pixels = smooth((31, 45), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    plain = open_plain_tiff(tmp_path / "a.tif")
    assert plain is not None
    assert (plain.height, plain.width, plain.dtype) == (31, 45, np.dtype(dtype))
    for rows, columns in (
        (range(31), range(45)),
        (range(4, 9), range(45)),
        (range(2, 7), range(3, 44)),
    ):
        memory = np.zeros((len(rows), len(columns) + 2), dtype)
        plain.read_into(rows, columns, memory[:, : len(columns)])
        expected = pixels[rows.start : rows.stop, columns.start : columns.stop]
        np.testing.assert_array_equal(memory[:, : len(columns)], expected)
        assert not memory[:, len(columns) :].any()


@pytest.mark.parametrize("options", OTHER)
def test_files_that_need_decoding_are_left_to_the_full_reader(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    pixels = smooth((32, 48), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    assert open_plain_tiff(tmp_path / "a.tif") is None


def test_several_pages_and_torn_files_are_left_to_the_full_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((3, 9, 9), np.uint8), photometric="minisblack")
    assert open_plain_tiff(path) is None
    tifffile.imwrite(path, np.ones((99, 99), np.uint8))
    whole = path.read_bytes()
    for size in (0, 3, 9, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert open_plain_tiff(path) is None
    assert open_plain_tiff(tmp_path / "none.tif") is None


def test_a_file_that_is_cut_while_it_is_open_is_told(tmp_path: Path) -> None:
    for z in range(3):
        tifffile.imwrite(tmp_path / f"{z}.tif", smooth((31, 45), "uint8", z))
    source = open_source(str(tmp_path))
    box = Box.of_shape((3, 31, 45))
    assert source.block == (1, 1, 1)
    np.testing.assert_array_equal(source.read(box)[2], smooth((31, 45), "uint8", 2))
    with (tmp_path / "1.tif").open("rb+") as file:
        file.truncate(700)
    with pytest.raises(SourceError, match="truncated"):
        source.read(box)


def test_a_stack_may_mix_plain_and_packed_slices(tmp_path: Path) -> None:
    slices = [smooth((32, 48), "uint16", z) for z in range(4)]
    for z, pixels in enumerate(slices):
        options = (PLAIN[1:3] + OTHER[:2])[z]
        tifffile.imwrite(tmp_path / f"{z}.tif", pixels, **options)
    source = open_source(str(tmp_path))
    source.check()
    found = source.read(Box((0, 3, 5), (4, 30, 47)))
    np.testing.assert_array_equal(found, np.stack(slices)[:, 3:30, 5:47])


@settings(max_examples=40)
@given(
    st.integers(1, 20),
    st.integers(1, 30),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from(["uint8", "uint16"]),
    st.integers(0, 9),
)
def test_png_as_pillow_writes_it(
    height: int, width: int, samples: int, dtype: str, seed: int
) -> None:
    if dtype == "uint16":
        samples = 1  # Pillow writes no other
    pixels = smooth((height, width, samples), dtype, seed)
    pixels = pixels[..., 0] if samples == 1 else pixels
    body = io.BytesIO()
    Image.fromarray(pixels).save(body, "PNG")
    np.testing.assert_array_equal(decode_png(body.getvalue()), pixels)


@pytest.mark.parametrize("kinds", list(itertools.product(range(5), repeat=2)))
@pytest.mark.parametrize(("samples", "bits"), [(1, 8), (3, 8), (1, 16), (4, 16)])
def test_every_filter_on_every_row(kinds: tuple[int, int], samples: int, bits: int) -> None:
    """Filtered by the formulas of the specification, decoded by us and by libpng."""
    pixels = smooth((4, 5, samples), f"uint{bits}", sum(kinds))
    body = png_of(pixels, [*kinds, *kinds])
    found = decode_png(body)
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)
    if bits == 8:
        theirs = np.asarray(Image.open(io.BytesIO(body)))
        np.testing.assert_array_equal(theirs.reshape(pixels.shape), pixels)


def test_a_torn_png_is_told(tmp_path: Path) -> None:
    pixels = smooth((40, 50), "uint8")
    path = tmp_path / "0.png"
    Image.fromarray(pixels).save(path)
    source, whole = open_source(str(tmp_path)), path.read_bytes()
    rng = np.random.default_rng(0)
    wrong = 0
    for bit in rng.integers(0, 8 * len(whole), 200).tolist():
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            found = source.read(Box((0, 0, 0), (1, 40, 50)))
        except SourceError:
            continue
        wrong += int((found[0] != pixels).any())
    assert wrong == 0
    for size in (0, 20, 60, len(whole) // 2, len(whole) - 20):
        path.write_bytes(whole[:size])
        with pytest.raises(SourceError):
            source.read(Box((0, 0, 0), (1, 40, 50)))


def png_of(pixels: np.ndarray, kinds: list[int]) -> bytes:
    """Return a PNG whose rows have the filters `kinds`."""
    height, width, samples = pixels.shape
    size = pixels.itemsize * samples
    raw = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    rows = [raw[y * width * size : (y + 1) * width * size] for y in range(height)]
    above, packed = bytes(width * size), b""
    for row, kind in zip(rows, kinds, strict=True):
        packed += bytes([kind, *_filtered(row, above, kind, size)])
        above = row
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[samples]
    head = struct.pack(">IIBBBBB", width, height, pixels.itemsize * 8, colour, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def _filtered(row: bytes, above: bytes, kind: int, size: int) -> list[int]:
    """Filter a row as section 9.2 of the specification defines."""
    found = []
    for x, value in enumerate(row):
        a = row[x - size] if x >= size else 0
        b = above[x]
        c = above[x - size] if x >= size else 0
        p = a + b - c
        nearest = min((a, b, c), key=lambda one: abs(p - one))
        found.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return found
