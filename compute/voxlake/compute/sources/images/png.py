"""Decode PNG images by libdeflate and a compiled filter: 1.7 times as fast as libpng.

W3C PNG, third edition: chunks (5), filtering (9). Palettes, interlacing and other depths than 8 and
16 bits go through libpng.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 4: 2, 6: 4}
"""Samples of a pixel by colour type; 3 is a palette."""


def decode_png(body: bytes) -> np.ndarray:
    """Return the pixels of an image: (y, x), or (y, x, sample) of several samples.

    Raises
    ------
    ValueError, zlib.error, imagecodecs.DeflateError
        If the image is torn.
    """
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body[16:29])
    if interlaced or colour not in SAMPLES or bits not in {8, 16}:
        pixels: np.ndarray = imagecodecs.png_decode(body)
        return pixels
    packed = b"".join(_data(body))
    samples, size = SAMPLES[colour], bits // 8
    row = width * samples * size
    raw = np.frombuffer(imagecodecs.deflate_decode(packed, out=height * (row + 1)), np.uint8)
    if raw.size != height * (row + 1):
        raise ValueError(f"{raw.size} bytes of pixels instead of {height * (row + 1)}")
    pixels = _unfiltered(raw.reshape(height, row + 1), samples * size)
    if size == 2:
        pixels = pixels.view(">u2").astype(np.uint16)
    return pixels.reshape(height, width, samples) if samples > 1 else pixels


def _data(body: bytes) -> Iterator[memoryview]:
    """Yield the parts of the compressed stream, whose own checksum covers its content."""
    whole, at = memoryview(body), len(SIGNATURE)
    while True:
        length, kind = struct.unpack(">I4s", whole[at : at + 8])
        if at + 12 + length > len(body):
            raise ValueError("it is cut off")
        if kind == b"IEND":
            return
        content = whole[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            yield content
        elif (
            zlib.crc32(content, zlib.crc32(kind))
            != struct.unpack_from(">I", whole, at + 8 + length)[0]
        ):
            raise ValueError(f"the checksum of its part {kind.decode('latin1')} is wrong")
        at += 12 + length


def _unfiltered(rows: np.ndarray, step: int) -> np.ndarray:
    from voxlake.compute.sources.images.png_filter import unfilter  # imports the compiler

    if rows[:, 0].max(initial=0) > 4:
        raise ValueError("a row has a filter that PNG does not define")
    out = np.empty((rows.shape[0], rows.shape[1] - 1), np.uint8)
    unfilter(rows, out, step)
    return out
