"""BMP images: the header, and the pixels as they are stored; those of a palette are its indices.

https://learn.microsoft.com/windows/win32/gdi/bitmap-storage. What is not coded, and
has no pixels of 16 or 32 bits, is read here: of a palette of grays, Pillow takes the number of
colours for the size of a pixel. The rest goes through Pillow. Its limit on the number of pixels
does not hold: what an image takes is in the plan, and a plan that takes too much is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile

from voxlake.compute.sources.images.palette import Palette
from voxlake.compute.sources.images.tiff.packed_bits import unpack_bits

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

_FILE_HEADER, _OLD_HEADER, _MASKS = 14, 12, 12
_MASKED = {3, 6}
"""Compression: bit fields."""
_SAMPLES = {"L": 1, "P": 1, "RGB": 3, "RGBA": 4}
"""Samples of a pixel by Pillow's mode."""


@dataclass(frozen=True, slots=True)
class BmpHeader:
    """What lies before the pixels."""

    height: int
    width: int
    bits: int
    """Of a pixel."""
    samples: int
    palette: Palette | None
    """Of the indices; None too of 1 bit of black and white, which is 0 and 1."""
    offset: int
    """Of the pixels in the file."""
    is_upward: bool
    """Whether the first row is the lowest, as is usual."""
    is_plain: bool
    """Whether the pixels are not coded."""

    @property
    def row(self) -> int:
        """Bytes of a row that is not coded."""
        return -(-self.width * self.bits // 8)

    @property
    def stride(self) -> int:
        """Bytes from one such row to the next."""
        return -(-self.row // 4) * 4


def read_bmp_header(path: Path) -> BmpHeader:
    """Return the header of an image.

    Raises
    ------
    ValueError, struct.error
        If it has none, or pixels of a kind that neither we nor Pillow read.
    """
    with path.open("rb") as file:
        head = file.read(_FILE_HEADER + 4)
        if head[:2] != b"BM":
            raise ValueError("it is no BMP file")
        offset, size = struct.unpack("<II", head[10:18])
        known = file.read(size - 4)
        layout, entry = ("<HHHH", 3) if size == _OLD_HEADER else ("<iiHHI12xI", 4)
        width, height, _, bits, *more = struct.unpack_from(layout, known)
        compression, used = more or (0, 0)
        if compression in _MASKED and size == 40:
            file.seek(_MASKS, 1)
        palette = _read_palette(file, bits, used, entry) if bits <= 8 else None
    if width <= 0 or not height:
        raise ValueError(f"it is {height} x {width} pixels large")
    is_plain = compression == 0 and bits in {1, 4, 8, 24}
    samples = {True: 1, False: 3}[bits <= 8] if is_plain else _samples_by_pillow(path)
    return BmpHeader(abs(height), width, bits, samples, palette, offset, height > 0, is_plain)


def bmp_is_whole(path: Path) -> bool:
    """Return whether the file reaches the last pixel, or if they are coded, has any."""
    header = read_bmp_header(path)
    pixels = header.stride * (header.height - 1) + header.row if header.is_plain else 1
    return path.stat().st_size >= header.offset + pixels


def decode_bmp(path: Path) -> np.ndarray:
    """Return the pixels of an image: (y, x), or (y, x, sample).

    Raises whatever is wrong with it.
    """
    header = read_bmp_header(path)
    if not header.is_plain:
        with BmpImageFile(path) as image:
            return np.asarray(image)
    whole = header.stride * header.height
    with path.open("rb") as file:
        file.seek(header.offset)
        raw = np.frombuffer(file.read(whole).ljust(whole, b"\0"), np.uint8)
    if path.stat().st_size < header.offset + whole - (header.stride - header.row):
        raise ValueError("its pixels are cut off")
    rows = raw.reshape(header.height, header.stride)[:: -1 if header.is_upward else 1]
    if header.samples == 3:
        return rows[:, : header.row].reshape(header.height, header.width, 3)[..., ::-1]
    return unpack_bits(rows, header.bits)[:, : header.width]


def _read_palette(file: IO[bytes], bits: int, used: int, entry: int) -> Palette | None:
    """Return the colours, which are stored as blue, green, red."""
    count = used or 1 << bits
    if bits not in {1, 4, 8} or count > 1 << bits:
        raise ValueError(f"it has {count} colours for pixels of {bits} bits")
    raw = np.frombuffer(file.read(count * entry), np.uint8)
    if raw.size < count * entry:
        raise ValueError("its palette is cut off")
    colours = raw.reshape(count, entry)[:, 2::-1]
    is_mask = bits == 1 and colours.tolist() == [[0, 0, 0], [255, 255, 255]]
    return None if is_mask else Palette.of(colours)


def _samples_by_pillow(path: Path) -> int:
    try:
        with BmpImageFile(path) as image:
            return _SAMPLES[image.mode]
    except (SyntaxError, KeyError) as error:
        raise ValueError(f"Pillow does not read it: {error}") from error
