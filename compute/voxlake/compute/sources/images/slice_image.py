"""One 2-D image file: its header, whether its end is there, its pixels."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
from tifffile import TiffFile

from voxlake.compute.sources.channels import sample_channels
from voxlake.compute.sources.images.bmp import bmp_is_whole, decode_bmp, read_bmp_header
from voxlake.compute.sources.images.gif import decode_gif, gif_is_whole, read_gif_header
from voxlake.compute.sources.images.orientation import (
    exif_orientation,
    oriented,
    tiff_orientation,
)
from voxlake.compute.sources.images.palette import (
    COLOURS,
    INDICES,
    coloured,
    odd_palettes,
    tiff_palette,
)
from voxlake.compute.sources.images.png import decode_png, read_png_header
from voxlake.compute.sources.images.tiff.channels import page_channels
from voxlake.compute.sources.images.tiff.imagej_values import as_told, told_values
from voxlake.compute.sources.images.tiff.negative import NEGATIVE, is_negative
from voxlake.compute.sources.images.tiff.page import TIFF_ERRORS, block_of, check_pages, read_page
from voxlake.compute.sources.images.tiff.plain_tiff import open_plain_tiff
from voxlake.compute.sources.images.tiff.promise import METAMORPH, is_ome, promised_planes
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.source import native
from voxlake.ngff.metadata.channels import NOTHING_SAID, Channels
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tifffile import TiffPage

    from voxlake.compute.sources.calibration import Calibration
    from voxlake.compute.sources.images.palette import Palette

PNG, JPEG, TIFF = (".png",), (".jpg", ".jpeg"), (".tif", ".tiff")
BMP, GIF = (".bmp", ".dib"), (".gif",)
SINGLE = PNG + JPEG + BMP + GIF
"""Endings of the names of images that are one plane each."""
KINDS = "PNG, TIFF, JPEG, BMP or GIF"
"""What they are, in words."""
SUFFIXES = SINGLE + TIFF
"""Endings of the names of 2-D images, in lower case."""

_JPEG_FRAMES = {0xC0, 0xC1, 0xC2}
"""Start-of-frame markers of what libjpeg decodes: baseline, extended, progressive (Huffman)."""
_JPEG_APP1 = 0xE1
"""Marker of what EXIF lies in, and other things."""


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """What all slices of a stack must have in common."""

    height: int
    width: int
    samples: int
    """1 of grayscale; alpha counts."""
    dtype: np.dtype
    block: tuple[int, int] = field(default=(1, 1), compare=False)
    """Rows and columns of what is decoded as a whole; 1, 1 where pixels are not coded."""
    palette: Palette | None = field(default=None, compare=False)
    """Colours of the image, if its pixels are indices."""
    shows_colours: bool = field(default=False, compare=False)
    """Whether these are what is read, and not the indices."""
    has_colours: bool = field(default=True, compare=False)
    """Whether several samples are colours, in the order red, green, blue, alpha; or gray, alpha."""
    orientation: int = 1
    """How it is to be turned before it is shown."""
    is_negative: bool = False
    """Whether 0 is white: pixels are read as they are, and one such among others is refused."""
    meaning: str = ""
    """What its values would mean, in words, beyond what they are."""

    def in_colours(self) -> SliceHeader:
        """Return the header of the image with the colours of its palette, if it has one."""
        if self.palette is None:
            return replace(self, shows_colours=True)
        colours = self.palette.colours
        return replace(self, samples=colours.shape[1], dtype=colours.dtype, shows_colours=True)

    @property
    def channels(self) -> Channels:
        """What the samples are."""
        return sample_channels(self.samples, self.dtype) if self.has_colours else NOTHING_SAID

    @property
    def calibration(self) -> Calibration:
        """What it says of the places of its pixels."""
        return oriented(self.orientation)

    @property
    def remark(self) -> str:
        """What to know of the voxels."""
        if self.palette is None or self.palette.is_ramp:
            return ", ".join(filter(None, (NEGATIVE if self.is_negative else "", self.meaning)))
        return COLOURS if self.shows_colours else INDICES

    def __str__(self) -> str:
        colour = f" x {self.samples} samples" if self.samples > 1 else ""
        turned = f", orientation {self.orientation}" if self.orientation != 1 else ""
        negative = ", 0 is white" if self.is_negative else ""
        meaning = f", {self.meaning}" if self.meaning else ""
        return f"{self.height} x {self.width}{colour} {self.dtype}{turned}{negative}{meaning}"


def read_header(path: Path) -> SliceHeader:
    """Return what the header of an image says.

    Raises
    ------
    SourceError
        If it is unreadable, or a TIFF of several pages.
    UnsupportedError
        If the pixels are CMYK, or of no number type.
    """
    plain = _plain_header(path)
    if plain is not None:
        return plain
    try:
        return _reader(path)[0](path)
    except SourceError:
        raise
    except (struct.error, ValueError, OSError) as error:
        raise SourceError(f"image {path} has no readable header ({error}); restore it") from error


def check_whole(path: Path) -> SliceHeader:
    """Return the header of an image whose end is where it should be.

    Raises
    ------
    SourceError
        If it is cut off: no PNG ``IEND``, no JPEG end marker, TIFF strips or BMP rows past the end.
    """
    plain = _plain_header(path)
    if plain is not None:
        return plain
    header = read_header(path)
    if path.suffix.lower() in TIFF:
        with TiffFile(path) as tif:
            check_pages(tif, path)
        return header
    if not _is_ended(path):
        raise SourceError(f"image {path} is truncated: its end is missing; restore the file")
    return header


def _is_ended(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in BMP:
        return bmp_is_whole(path)
    if suffix in GIF:
        return gif_is_whole(path)
    with path.open("rb") as file:
        file.seek(-min(16, path.stat().st_size), 2)
        return (b"IEND" if suffix in PNG else b"\xff\xd9") in file.read()


def check_alike(
    names: Sequence[str], headers: Sequence[SliceHeader], first: SliceHeader, what: str
) -> None:
    """Hold sizes, types and palettes of all slices of a stack together.

    Parameters
    ----------
    headers
        As `check_whole` has them, of the slices of those `names`.
    first
        What all of them have to be.
    what
        The stack, for messages.

    Raises
    ------
    SourceError
        If a slice is unlike the first, or gives an index into its palette another colour.
    """
    alike = [header.in_colours() if first.shows_colours else header for header in headers]
    odd = [f"{n} ({header})" for n, header in zip(names, alike, strict=True) if header != first]
    if odd:
        raise SourceError(
            f"{what} has slices unlike its first, {names[0]} ({first}): {listed(odd)}; make all "
            "slices of one size and type"
        )
    places = [] if first.shows_colours else odd_palettes([header.palette for header in headers])
    if places:
        raise SourceError(
            f"{what} has indices into palettes that differ, so that one label would be several "
            f"colours: {listed([names[place] for place in places])}; save all with one palette"
        )


def read_slice(path: Path, header: SliceHeader, rows: range, columns: range) -> np.ndarray:
    """Return ``rows`` x ``columns`` of an image: (y, x, sample).

    Raises
    ------
    SourceError
        If the image is torn, or no longer what `header` says.
    """
    if path.suffix.lower() in JPEG:
        check_whole(path)  # libjpeg fills what is missing with gray and calls it a warning
    try:
        pixels, palette = _reader(path)[1](path, rows, columns)
    except SourceError:
        raise
    except Exception as error:  # each codec has errors of its own
        raise SourceError(f"image {path} does not decode ({error}); restore the file") from error
    if palette is not None and header.shows_colours:
        pixels = coloured(pixels, palette, f"image {path}")
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    expected = (len(rows), len(columns), header.samples)
    if pixels.shape != expected or native(pixels.dtype, str(path)) != header.dtype:
        raise SourceError(
            f"image {path} is not {header} like the first of its stack; check the stack"
        )
    return pixels.astype(header.dtype, copy=False)


def _reader(path: Path) -> tuple[_ReadHeader, _ReadPixels]:
    suffix = path.suffix.lower()
    for suffixes, reader in _READERS:
        if suffix in suffixes:
            return reader
    return _tiff_header, _read_tiff


def _png_header(path: Path) -> SliceHeader:
    with path.open("rb") as file:
        head, palette = read_png_header(file)
    dtype = np.dtype("u2" if head.bits == 16 else "u1")
    whole = (head.height, head.width)
    return SliceHeader(*whole, head.samples, dtype, whole, palette)


def _read_png(path: Path, rows: range, columns: range) -> _Pixels:
    body = path.read_bytes()
    return _cut(decode_png(body), rows, columns), read_png_header(io.BytesIO(body))[1]


def _bmp_header(path: Path) -> SliceHeader:
    head = read_bmp_header(path)
    whole = (head.height, head.width)
    return SliceHeader(*whole, head.samples, np.dtype("u1"), whole, head.palette)


def _read_bmp(path: Path, rows: range, columns: range) -> _Pixels:
    return _cut(decode_bmp(path), rows, columns), read_bmp_header(path).palette


def _gif_header(path: Path) -> SliceHeader:
    *whole, palette = read_gif_header(path)
    return SliceHeader(whole[0], whole[1], 1, np.dtype("u1"), (whole[0], whole[1]), palette)


def _read_gif(path: Path, rows: range, columns: range) -> _Pixels:
    return _cut(decode_gif(path), rows, columns), read_gif_header(path)[2]


def _cut(pixels: np.ndarray, rows: range, columns: range) -> np.ndarray:
    return pixels[rows.start : rows.stop, columns.start : columns.stop]


def _jpeg_header(path: Path) -> SliceHeader:
    orientation = 1
    for marker, body in _jpeg_segments(path):
        if marker == _JPEG_APP1 and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body)
        if marker in _JPEG_FRAMES:
            bits, height, width, samples = struct.unpack(">BHHB", body[:6])
            if bits != 8 or samples not in {1, 3}:
                raise UnsupportedError(
                    f"image {path} has {samples} samples of {bits} bits; "
                    "convert it to an 8 bit grayscale or RGB JPEG"
                )
            header = SliceHeader(height, width, samples, np.dtype("u1"), (height, width))
            return replace(header, orientation=orientation)
    raise SourceError(f"image {path} is no JPEG file that voxlake reads; convert it to PNG")


def _jpeg_segments(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, body) of the segments before the first scan."""
    with path.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return
        while True:
            lead, marker = struct.unpack(">BB", file.read(2))
            if lead != 0xFF or marker == 0xDA:
                return
            if marker == 0xFF:  # fill byte
                file.seek(-1, 1)
                continue
            (length,) = struct.unpack(">H", file.read(2))
            yield marker, file.read(length - 2)


def _read_jpeg(path: Path, rows: range, columns: range) -> _Pixels:
    return _cut(imagecodecs.jpeg8_decode(path.read_bytes()), rows, columns), None


def _tiff_header(path: Path) -> SliceHeader:
    try:
        with TiffFile(path) as tif:
            page, pages = tif.pages.first, len(tif.pages)
            palette = tiff_palette(page)
    except TIFF_ERRORS as error:
        raise SourceError(f"TIFF {path} has no readable header ({error}); restore it") from error
    if pages != 1:
        raise SourceError(
            f"TIFF {path} holds {pages} pages, but a slice of a stack is one; "
            "give a single multi-page file as the source itself"
        )
    _check_one_plane(path, page)
    if page.imagedepth != 1 or page.dtype is None:
        raise UnsupportedError(f"TIFF {path} has a sample type without a number; convert it")
    samples = page.shaped[0] * page.shaped[4]
    dtype, meaning = told_values(page.description, native(page.dtype, f"TIFF {path}"))
    whole = (page.imagelength, page.imagewidth)
    is_colour = palette is not None or bool(page_channels(page, samples, dtype).described)
    header = SliceHeader(*whole, samples, dtype, block_of(page), palette, has_colours=is_colour)
    return replace(
        header, orientation=tiff_orientation(page), is_negative=is_negative(page), meaning=meaning
    )


def _check_one_plane(path: Path, page: TiffPage) -> None:
    """Raise SourceError if there are planes behind the one page, or in other files."""
    plane = (page.imagelength, page.imagewidth, page.samplesperpixel)
    promise = promised_planes(page.description, plane)
    if METAMORPH in page.tags:
        holds = f"{page.tags[METAMORPH].count} planes"
    elif promise is not None:
        holds = f"{promise.planes} planes" if promise.planes != 1 else ""
    else:
        holds = "a set" if is_ome(page.description) else ""
    if holds:
        raise SourceError(
            f"TIFF {path} is one page of {holds}, but a slice of a stack is one plane; "
            "give the file by itself as the source"
        )


def _plain_header(path: Path) -> SliceHeader | None:
    """Return the header of a TIFF file that needs no decoding, and is whole; None of others."""
    plain = open_plain_tiff(path) if path.suffix.lower() in TIFF else None
    return SliceHeader(plain.height, plain.width, 1, plain.dtype) if plain else None


def _read_tiff(path: Path, rows: range, columns: range) -> _Pixels:
    with TiffFile(path) as tif:
        page = tif.pages.first
        pixels = read_page(page, rows, columns)
        return as_told(pixels, told_values(page.description, pixels.dtype)[0]), tiff_palette(page)


_READERS = (
    (PNG, (_png_header, _read_png)),
    (JPEG, (_jpeg_header, _read_jpeg)),
    (BMP, (_bmp_header, _read_bmp)),
    (GIF, (_gif_header, _read_gif)),
)

if TYPE_CHECKING:
    from collections.abc import Callable

    type _ReadHeader = Callable[[Path], SliceHeader]
    type _Pixels = tuple[np.ndarray, Palette | None]
    type _ReadPixels = Callable[[Path, range, range], _Pixels]
