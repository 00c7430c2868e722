"""Decode the images that tile plug-ins return."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from voxlake.compute.sources.images.png import SIGNATURE
from voxlake.compute.sources.images.tiff.directory import BEGINNINGS
from voxlake.compute.sources.images.tiff.negative import is_negative
from voxlake.platform.errors import SourceError, UnsupportedError

_JPEG = b"\xff\xd8"
_INVERTED = {1, 8}
"""Bits of a pixel of TIFF files that Pillow inverts, and so bossDB, if they say that 0 is white."""


def decode_tile(data: bytes) -> np.ndarray:
    """Return the pixels of an encoded grayscale image: (y, x).

    Raises
    ------
    SourceError
        If the image is cut off, or of no kind that Pillow knows.
    UnsupportedError
        If it is of colours.
    """
    pixels = _decode(data)
    if pixels.ndim != 2:
        raise UnsupportedError(
            f"its image has the shape {pixels.shape}; tiles are grayscale images (y, x)"
        )
    return pixels


def _decode(data: bytes) -> np.ndarray:
    pixels: np.ndarray
    if data.startswith(SIGNATURE):
        pixels = imagecodecs.png_decode(data)
    elif data.startswith(_JPEG):
        if b"\xff\xd9" not in data[-16:]:  # libjpeg would fill what is missing with gray
            raise SourceError("its JPEG image is truncated")
        pixels = imagecodecs.jpeg8_decode(data)
    elif data.startswith(tuple(BEGINNINGS)):
        pixels = _decode_tiff(data)
    else:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.array(image)
    return pixels


def _decode_tiff(data: bytes) -> np.ndarray:
    """Return the first page, as bossDB did."""
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        page = tif.pages.first
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            raise UnsupportedError("its image has indexed colours; tiles are grayscale images")
        ends = (a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends) > len(data):
            raise SourceError("its TIFF image is truncated")
        pixels: np.ndarray = page.asarray(maxworkers=1)
        is_inverted = is_negative(page) and page.bitspersample in _INVERTED
    return ~pixels if is_inverted else pixels
