"""Indices into palettes, of every kind of image: labels are these, an image has the colours.

Pillow writes and tifffile writes; NumPy tells what must be read.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.compute.sources.reading import assert_whole, cut, fails

from voxlake.compute.sources import open_source
from voxlake.compute.sources.images.palette import COLOURS, INDICES, LOOKUP
from voxlake.compute.sources.images.png import decode_png
from voxlake.compute.sources.preview import preview
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(5)
COUNT = 13
INDEX = RNG.integers(0, COUNT, (3, 21, 33), np.uint8)
INDEX[:, 0, :COUNT] = np.arange(COUNT)
RGB = RNG.integers(0, 256, (COUNT, 3), np.uint8)
GRAY = np.repeat(RNG.permutation(256)[:COUNT, None].astype(np.uint8), 3, axis=1)


def paletted(plane: np.ndarray, palette: np.ndarray) -> Image.Image:
    image = Image.fromarray(plane, "P")
    image.putpalette(palette.tobytes())
    return image


def by_pillow(suffix: str, **options: Any) -> Callable[[Path, np.ndarray, np.ndarray], str]:
    def write(folder: Path, index: np.ndarray, palette: np.ndarray) -> str:
        for number, plane in enumerate(index):
            paletted(plane, palette).save(folder / f"s{number}{suffix}", **options)
        return str(folder)

    return write


def bmp(
    bits: int, *, is_upward: bool = True, is_old: bool = False
) -> Callable[[Path, np.ndarray, np.ndarray], str]:
    """Write bitmaps by the layout of the specification: Pillow writes no others than of 8 bits."""

    def write(folder: Path, index: np.ndarray, palette: np.ndarray) -> str:
        for number, plane in enumerate(index):
            body = bmp_of(plane, palette, bits, is_upward=is_upward, is_old=is_old)
            (folder / f"s{number}.bmp").write_bytes(body)
        return str(folder)

    return write


def bmp_of(
    plane: np.ndarray, palette: np.ndarray, bits: int, *, is_upward: bool, is_old: bool
) -> bytes:
    rows = packed(plane, bits)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))[:: -1 if is_upward else 1]
    size, blank = (12, 0) if is_old else (40, 1)
    colours = np.hstack([palette[:, ::-1], np.zeros((len(palette), blank), np.uint8)]).tobytes()
    height, width = plane.shape
    offset = 14 + size + len(colours)
    if is_old:
        head = struct.pack("<IHHHH", size, width, height, 1, bits)
    else:
        tall = height if is_upward else -height
        used = len(palette)
        head = struct.pack("<IiiHHIIiiII", size, width, tall, 1, bits, 0, 0, 0, 0, used, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, offset) + head + colours + rows.tobytes()


def packed(plane: np.ndarray, bits: int) -> np.ndarray:
    """Return rows of bytes with samples of `bits`, the first the highest."""
    each = ((plane[..., None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(each.reshape(len(plane), -1), axis=1)


def tiffs(**options: Any) -> Callable[[Path, np.ndarray, np.ndarray], str]:
    def write(folder: Path, index: np.ndarray, palette: np.ndarray) -> str:
        for number, plane in enumerate(index):
            tifffile.imwrite(
                folder / f"s{number}.tif",
                plane,
                photometric="palette",
                colormap=colour_map(palette),
                **options,
            )
        return str(folder)

    return write


def pages(folder: Path, index: np.ndarray, palette: np.ndarray) -> str:
    path = folder / "v.tif"
    tifffile.imwrite(path, index, photometric="palette", colormap=colour_map(palette))
    return str(path)


def colour_map(palette: np.ndarray) -> np.ndarray:
    whole = np.zeros((256, 3), np.uint16)
    whole[: len(palette)] = palette
    return whole.T * 257


WRITERS = {
    "png": by_pillow(".png"),
    "png of 8 bits": by_pillow(".png", bits=8),
    "gif": by_pillow(".gif", optimize=False),
    "gif in another order": by_pillow(".gif", optimize=False, interlace=0),
    "bmp": by_pillow(".bmp"),
    "bmp of 4 bits": bmp(4),
    "bmp from the top": bmp(8, is_upward=False),
    "bmp of OS/2": bmp(8, is_old=True),
    "tiff": tiffs(),
    "tiff, coded": tiffs(compression="zlib"),
    "tiff, tiled": tiffs(tile=(16, 16)),
    "tiff of pages": pages,
}


@pytest.mark.parametrize("palette", [RGB, GRAY], ids=["colours", "grays"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_labels_are_indices_and_an_image_has_colours(
    tmp_path: Path, write: Callable[[Path, np.ndarray, np.ndarray], str], palette: np.ndarray
) -> None:
    if write is WRITERS["bmp of OS/2"]:  # its palettes are whole
        palette = np.vstack([palette, np.zeros((256 - COUNT, 3), np.uint8)])
    location = write(tmp_path, INDEX, palette)
    labels, image = open_source(location), open_source(location, colours=True)
    assert_whole(labels, INDEX)
    assert INDICES in preview(labels)
    colours = np.moveaxis(palette[INDEX], -1, 0)
    assert_whole(image, colours if (palette != palette[:, :1]).any() else colours[0])
    assert COLOURS in preview(image)


def test_grays_in_their_order_are_an_image_as_they_are(tmp_path: Path) -> None:
    """Whoever writes a palette that says nothing means values."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    for number, suffix in enumerate((".png", ".bmp", ".gif", ".tif")):
        folder = tmp_path / suffix
        folder.mkdir()
        write = (
            tiffs()
            if suffix == ".tif"
            else by_pillow(suffix, **{"optimize": False} if suffix == ".gif" else {})
        )
        location = write(folder, INDEX + np.uint8(number), ramp)
        for colours in (False, True):
            source = open_source(location, colours=colours)
            assert_whole(source, INDEX + np.uint8(number))
            assert "palette" not in preview(source)


@pytest.mark.parametrize("colours", [False, True])
def test_masks_of_one_bit(tmp_path: Path, colours: bool) -> None:
    mask = INDEX > 5
    for suffix in (".png", ".tif", ".bmp"):
        folder = tmp_path / suffix
        folder.mkdir()
        for number, plane in enumerate(mask):
            Image.fromarray(plane).save(folder / f"s{number}{suffix}")
        assert_whole(open_source(str(folder), colours=colours), mask.astype("u1"))


def test_a_bitmap_of_white_and_black_is_no_mask(tmp_path: Path) -> None:
    """Pillow takes the first bitmap of 8 bits for one of 1 bit, as it has two colours."""
    index = (INDEX > 5).astype(np.uint8)
    black_white = np.array([[0] * 3, [255] * 3], np.uint8)
    for bits, palette in ((8, black_white), (4, black_white), (1, black_white[::-1])):
        folder = tmp_path / str(bits)
        folder.mkdir()
        location = bmp(bits)(folder, index, palette)
        assert_whole(open_source(location), index)
        assert_whole(open_source(location, colours=True), palette[index][..., 0])


def test_transparency_is_kept(tmp_path: Path) -> None:
    alpha = np.full(COUNT, 255, np.uint8)
    alpha[[0, 3, 12]] = 0, 128, 7
    for number, plane in enumerate(INDEX):
        paletted(plane, RGB).save(tmp_path / f"s{number}.png", transparency=alpha.tobytes())
    assert_whole(open_source(str(tmp_path)), INDEX)
    expected = np.moveaxis(np.hstack([RGB, alpha[:, None]])[INDEX], -1, 0)
    assert_whole(open_source(str(tmp_path), colours=True), expected)
    theirs = np.asarray(Image.open(tmp_path / "s1.png").convert("RGBA"))
    np.testing.assert_array_equal(expected[:, 1], np.moveaxis(theirs, -1, 0))


def test_transparent_gif(tmp_path: Path) -> None:
    paletted(INDEX[0], RGB).save(tmp_path / "s.gif", transparency=4, optimize=False)
    location = str(tmp_path / "s.gif")
    assert_whole(open_source(location), INDEX[:1])
    with Image.open(location) as image:
        theirs = np.asarray(image.convert("RGBA"))
    assert_whole(open_source(location, colours=True), np.moveaxis(theirs, -1, 0)[:, None])


def test_a_palette_may_be_another_in_each_slice_of_an_image_only(tmp_path: Path) -> None:
    palettes = [RGB, RGB[::-1].copy(), RGB[:, ::-1].copy()]
    for number, (plane, palette) in enumerate(zip(INDEX, palettes, strict=True)):
        paletted(plane, palette).save(tmp_path / f"s{number}.png")
    expected = np.stack([p[i] for p, i in zip(palettes, INDEX, strict=True)])
    assert_whole(open_source(str(tmp_path), colours=True), np.moveaxis(expected, -1, 0))
    fails(tmp_path, "palettes that differ", "s1.png", "s2.png")
    fails(f"{tmp_path}/s{{z}}.png", "s1.png (another palette)")


def test_a_longer_palette_with_the_same_beginning_agrees(tmp_path: Path) -> None:
    paletted(INDEX[0] % 3, RGB[:3].copy()).save(tmp_path / "s0.png")
    paletted(INDEX[1], RGB).save(tmp_path / "s1.png")
    assert_whole(open_source(str(tmp_path)), np.stack([INDEX[0] % 3, INDEX[1]]))


def test_a_slice_of_background_alone_agrees(tmp_path: Path) -> None:
    palette = np.vstack([[[0, 0, 0]], RGB]).astype(np.uint8)
    paletted(INDEX[0], palette).save(tmp_path / "s0.gif", optimize=False)
    paletted(INDEX[1] * 0, palette[:1].copy()).save(tmp_path / "s1.gif", optimize=False)
    assert_whole(open_source(str(tmp_path)), np.stack([INDEX[0], INDEX[1] * 0]))


def test_a_gray_slice_among_indices(tmp_path: Path) -> None:
    paletted(INDEX[0], GRAY).save(tmp_path / "s0.png")
    Image.fromarray(INDEX[1]).save(tmp_path / "s1.png")
    fails(tmp_path, "palettes that differ")
    expected = np.stack([GRAY[INDEX[0]][..., 0], INDEX[1]])
    assert_whole(open_source(str(tmp_path), colours=True), expected)


def test_tiles(tmp_path: Path) -> None:
    for x in (0, 1):
        paletted(INDEX[x], RGB).save(tmp_path / f"t{x}.png")
    index = np.hstack([INDEX[0], INDEX[1]])[None]
    location = f"{tmp_path}/t{{x}}.png"
    assert_whole(open_source(location), index)
    assert_whole(open_source(location, colours=True), np.moveaxis(RGB[index], -1, 0))


def test_the_look_up_table_of_imagej_colours_values(tmp_path: Path) -> None:
    table = RNG.integers(0, 2**16, (3, 256), np.uint16)
    for location, voxels in (
        (tmp_path / "v.tif", INDEX),
        (tmp_path / "stack" / "s.tif", INDEX[:1]),
    ):
        location.parent.mkdir(exist_ok=True)
        tifffile.imwrite(
            location,
            voxels,
            photometric="palette",
            colormap=table,
            description=f"ImageJ=1.54f\nimages={len(voxels)}\nslices={len(voxels)}",
            metadata=None,
        )
        for colours in (False, True):
            source = open_source(str(location), colours=colours)
            assert_whole(source, voxels)
            assert LOOKUP in preview(source)
    assert_whole(open_source(str(tmp_path / "stack"), colours=True), INDEX[:1])


def test_colours_of_16_bits(tmp_path: Path) -> None:
    table = RNG.integers(0, 2**16, (3, 256), np.uint16)
    tifffile.imwrite(tmp_path / "v.tif", INDEX, photometric="palette", colormap=table)
    expected = np.stack([table[channel][INDEX] for channel in range(3)])
    assert_whole(open_source(str(tmp_path / "v.tif"), colours=True), expected)


def test_pages_with_palettes_of_their_own_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "v.tif") as tif:
        for plane, palette in zip(INDEX, (RGB, RGB, RGB[::-1]), strict=True):
            tif.write(
                plane,
                photometric="palette",
                colormap=colour_map(palette),
                contiguous=False,
                metadata=None,
            )
    fails(tmp_path / "v.tif", "palettes differ")


def test_gifs_of_frames_or_of_a_part_are_refused(tmp_path: Path) -> None:
    frames = [paletted(plane, RGB) for plane in INDEX]
    frames[0].save(tmp_path / "movie.gif", save_all=True, append_images=frames[1:])
    fails(tmp_path / "movie.gif", "holds 3 frames", "save them as images of their own")
    fails(tmp_path, "holds 3 frames")
    body = io.BytesIO()
    frames[0].save(body, "GIF")
    part = bytearray(body.getvalue())
    struct.pack_into("<HH", part, 6, 40, 30)  # a larger screen, which the frame leaves bare
    (tmp_path / "part.gif").write_bytes(part)
    fails(tmp_path / "part.gif", "rows 0 to 21 and columns 0 to 33 alone, out of 30 x 40")


def test_a_local_palette_and_frames_of_a_gif(tmp_path: Path) -> None:
    """The palette of the frame counts, not that of the file."""
    body = io.BytesIO()
    paletted(INDEX[0], RGB[::-1].copy()).save(body, "GIF", optimize=False)
    whole = body.getvalue()
    size = 3 << ((whole[10] & 7) + 1)
    colours, rest = bytearray(whole[13 : 13 + size]), whole[13 + size :]
    colours[: 3 * COUNT] = RGB.tobytes()
    at = rest.index(b",")
    frame = bytearray(rest[at : at + 10])
    frame[9] |= 0x80 | (whole[10] & 7)
    path = tmp_path / "s.gif"
    path.write_bytes(whole[: 13 + size] + rest[:at] + frame + colours + rest[at + 10 :])
    assert_whole(open_source(str(path)), INDEX[:1])
    expected = np.moveaxis(RGB[INDEX[:1]], -1, 0)
    assert_whole(open_source(str(path), colours=True), expected)


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".png"])
def test_torn_images_are_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"s{suffix}"
    paletted(INDEX[0], RGB).save(path)
    whole = path.read_bytes()
    for length in (0, 5, 20, 60, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:length])
        fails(path, path.name)
    path.write_bytes(whole)
    source = open_source(str(path))
    cut(path, len(whole) // 2)
    with pytest.raises(SourceError, match=path.name):
        source.read(Box.of_shape(source.shape))


def test_an_index_beyond_its_palette(tmp_path: Path) -> None:
    location = bmp(8)(tmp_path, INDEX, RGB[:5])
    assert_whole(open_source(location), INDEX)
    image = open_source(location, colours=True)
    with pytest.raises(SourceError, match="has the index 12 in a palette of 5 colours"):
        image.read(Box.of_shape(image.shape))


def test_runs_of_a_bitmap_are_left_to_pillow(tmp_path: Path) -> None:
    colours = np.hstack([RGB[:, ::-1], np.zeros((COUNT, 1), np.uint8)]).tobytes()
    head = struct.pack("<IiiHHIIiiII", 40, 8, 2, 1, 8, 1, 0, 0, 0, COUNT, 0)
    runs = bytes([5, 3, 3, 7, 0, 0, 0, 4, 1, 2, 3, 4, 4, 9, 0, 0, 0, 1])
    body = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + len(colours)) + head + colours + runs
    (tmp_path / "s.bmp").write_bytes(body)
    expected = np.array([[[1, 2, 3, 4, 9, 9, 9, 9], [3, 3, 3, 3, 3, 7, 7, 7]]], np.uint8)
    assert_whole(open_source(str(tmp_path / "s.bmp")), expected)
    cut(tmp_path / "s.bmp", len(body) - 8)
    with pytest.raises(SourceError, match=r"s\.bmp does not decode"):
        open_source(str(tmp_path / "s.bmp")).read(Box.of_shape(expected.shape))


@pytest.mark.parametrize(("mode", "bits"), [("RGB", 24), ("RGBA", 32)])
def test_bitmaps_of_true_colours(tmp_path: Path, mode: str, bits: int) -> None:
    pixels = RNG.integers(0, 256, (9, 11, bits // 8), np.uint8)
    Image.fromarray(pixels, mode).save(tmp_path / "s.bmp")
    theirs = np.asarray(Image.open(tmp_path / "s.bmp"))
    source = open_source(str(tmp_path / "s.bmp"))
    assert_whole(source, np.moveaxis(theirs, -1, 0)[:, None])


DEPTHS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (6, 16)]
DEPTHS += [(3, 1), (3, 2), (3, 4), (3, 8)]
"""Colour type and bits of a sample."""


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 19),
    st.integers(1, 19),
    st.sampled_from(DEPTHS),
    st.booleans(),
    st.integers(0, 9),
)
def test_png_of_any_depth_interlaced_or_not(
    height: int, width: int, kind: tuple[int, int], interlaced: bool, seed: int
) -> None:
    """Laid out as sections 7.2 and 8.2 of the specification say; Pillow agrees where it can."""
    colour, bits = kind
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 1 << bits, (height, width, samples), np.uint16)
    body = png_of(pixels, colour, bits, interlaced=interlaced)
    found = decode_png(body)
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)
    if bits == 8 or colour == 3:
        theirs = np.asarray(Image.open(io.BytesIO(body)))
        np.testing.assert_array_equal(theirs.reshape(pixels.shape), pixels)


def png_of(pixels: np.ndarray, colour: int, bits: int, *, interlaced: bool) -> bytes:
    """Return a PNG without filters."""
    height, width, _ = pixels.shape
    grid = np.array(
        [[1, 6, 4, 6, 2, 6, 4, 6], [7] * 8, [5, 6] * 4, [7] * 8,
         [3, 6, 4, 6, 3, 6, 4, 6], [7] * 8, [5, 6] * 4, [7] * 8]
    )  # fmt: skip
    of_pass = np.tile(grid, (-(-height // 8), -(-width // 8)))[:height, :width]
    raw = b""
    for number in range(1, 8) if interlaced else (0,):
        chosen = of_pass == number if interlaced else np.ones((height, width), bool)
        for y in np.flatnonzero(chosen.any(axis=1)):
            row = pixels[y, chosen[y]].reshape(1, -1)
            raw += b"\0" + (
                row.astype(">u2").tobytes() if bits == 16 else packed(row, bits).tobytes()
            )
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    if colour == 3:
        parts.insert(1, (b"PLTE", RNG.bytes(3 << bits)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
