"""Pictures of a slice, across any axis: PNG, JPEG and WebP; rows run along the slower axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.cutout import Blocks, Cutout, joined
from voxlake.api.formats.format import Accepts, Format

JPEG_QUALITY = 90
WEBP_QUALITY = 90
_JPEG_MOST, _WEBP_MOST = 65_500, 16_383
"""Pixels along an edge (libjpeg: ``JPEG_MAX_DIMENSION``; WebP: 14 bits)."""
_HEADER_BYTES = 8 << 10

type _EncodePicture = Callable[[npt.NDArray[Any]], bytes]


def picture_of(cutout: Cutout, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a slice as rows and columns.

    They are the two axes of space that have more than one voxel; of fewer, y and x if they can be.
    """
    *_, z, y, x = cutout.sizes
    shape = (z, x) if y == 1 and z > 1 else (z, y) if x == 1 and z > 1 else (y, x)
    return voxels.reshape(shape)


def is_slice(cutout: Cutout) -> bool:
    """Return whether a cutout is one plane of one channel at one time."""
    t, c, *zyx = cutout.sizes
    return cutout.is_usual and t == c == 1 and min(zyx) == 1


def _encode(make: _EncodePicture, cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    yield memoryview(make(picture_of(cutout, joined(cutout, blocks))))


def _png(pixels: npt.NDArray[Any]) -> bytes:
    from imagecodecs import png_encode

    return bytes(png_encode(pixels, level=3))


def _jpeg(pixels: npt.NDArray[Any]) -> bytes:
    from imagecodecs import jpeg8_encode

    return bytes(jpeg8_encode(pixels, level=JPEG_QUALITY))


def _webp(pixels: npt.NDArray[Any]) -> bytes:
    from imagecodecs import webp_encode

    return bytes(webp_encode(np.repeat(pixels[..., None], 3, axis=-1), level=WEBP_QUALITY))


def _measure(cutout: Cutout) -> int:
    """Return the bytes of a picture, at most: what does not compress grows by less."""
    rows = sum(cutout.shape)
    return 4 * cutout.nbytes + 16 * rows + _HEADER_BYTES


def _accepts(dtypes: tuple[str, ...], most: int) -> Accepts:
    def accepts(cutout: Cutout) -> bool:
        is_small = max(cutout.shape) <= most
        return is_slice(cutout) and cutout.dtype.name in dtypes and is_small

    return accepts


def _format(name: str, suffix: str, make: _EncodePicture, accepts: Accepts) -> Format:
    return Format(
        name,
        f"image/{name}",
        suffix,
        partial(_encode, make),
        _measure,
        is_exact=False,
        joins=True,
        besides=_measure,
        accepts=accepts,
    )


PNG = _format("png", ".png", _png, _accepts(("uint8", "uint16"), 2**31 - 1))
JPEG = _format("jpeg", ".jpg", _jpeg, _accepts(("uint8",), _JPEG_MOST))
WEBP = _format("webp", ".webp", _webp, _accepts(("uint8",), _WEBP_MOST))
