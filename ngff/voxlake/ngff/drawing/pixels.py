"""Voxels as pixels: images in grey, by a window of contrast; labels in colours. Pure."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.drawing.contrast import whole_range

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.drawing.contrast import Ends


def grey(voxels: npt.NDArray[Any], ends: Ends) -> npt.NDArray[np.uint8]:
    """Return voxels of any type as 8 bits.

    It is ``floor(255 * (v - low) / (high - low) + 1/2)`` of the ends low and high, at least 0 and
    at most 255; what is no number is 0. Exact for integers of up to 32 bits between such; others as
    far as doubles are.

    Examples
    --------
    >>> grey(np.array([-5, 0, 1, 2, 510, 999], np.int16), (0, 510))
    array([  0,   0,   1,   1, 255, 255], dtype=uint8)
    >>> grey(np.array([0.0, 0.25, 1.0, np.nan, -np.inf]), (1, 0))
    array([255, 191,   0,   0, 255], dtype=uint8)
    """
    if voxels.dtype.name == "uint8" and ends == (0.0, 255.0):
        return voxels
    if voxels.dtype.kind in "iu" and voxels.dtype.itemsize <= 2:
        limits = np.iinfo(voxels.dtype)
        every = np.arange(limits.min, limits.max + 1, dtype=np.float64)
        places = voxels.astype(np.int32) - limits.min
        return _grey(every, ends)[places]
    return _grey(voxels.astype(np.float64), ends)


def high_bytes(voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return voxels as 8 bits: of unsigned integers the highest, as bossDB draws them.

    Those of other types are grey in a window of all their values.

    Examples
    --------
    >>> high_bytes(np.array([0, 255, 256, 65535], np.uint16))
    array([  0,   0,   1, 255], dtype=uint8)
    """
    if voxels.dtype.kind != "u":
        return grey(voxels, whole_range(voxels.dtype))
    return (voxels >> (8 * (voxels.dtype.itemsize - 1))).astype(np.uint8, copy=False)


def _grey(values: npt.NDArray[np.float64], ends: Ends) -> npt.NDArray[np.uint8]:
    low, high = ends
    within = np.clip(values, min(ends), max(ends))
    # Multiplied first: halves that integers make are exact then, and are rounded up.
    with np.errstate(all="ignore"):
        pixels = np.floor(255 * (within - low) / (high - low) + 0.5)
    return np.nan_to_num(pixels, nan=0).astype(np.uint8)


def coloured(labels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return labels as red, green, blue and alpha, along one more axis; 0 is transparent.

    A label has the colour that Neuroglancer gives it where no other is chosen, up to rounding: hue
    and saturation are bytes of a hash of the id (segment_color.ts and hash_function.ts of version
    2.41.2, with the seed 0), the value is 1.
    """
    ids = np.ascontiguousarray(labels).astype(np.uint64)
    hashed = _combined(np.uint32(0), (ids & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    hashed = _combined(hashed, (ids >> np.uint64(32)).astype(np.uint32))
    colours: npt.NDArray[np.uint32] = _palette()[hashed & np.uint32(0xFFFF)]
    colours[ids == 0] = 0
    return colours.view(np.uint8).reshape(*labels.shape, 4)


def _combined(
    state: np.uint32 | npt.NDArray[np.uint32], values: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Return a hash with 32 more bits: a step of MurmurHash3 (x86, 32 bits)."""
    mixed = _rotated(values * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
    return _rotated(state ^ mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64)


def _rotated(values: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint32]:
    return (values << np.uint32(bits)) | (values >> np.uint32(32 - bits))


@cache
def _palette() -> npt.NDArray[np.uint32]:
    """Return the colour of each hash of 16 bits, its four bytes in the order of memory."""
    hashes = np.arange(1 << 16)
    hue, saturation = hashes % 256 / 255 * 6, 0.5 + (hashes >> 8) / 255 / 2
    # Foley and van Dam: each of the three falls and rises once as the hue goes round.
    apart = ((np.array([[5], [3], [1]]) + hue) % 6).T
    falls = np.clip(np.minimum(apart, 4 - apart), 0, 1)
    colours = np.full((len(hashes), 4), 255, np.uint8)
    colours[:, :3] = np.floor(255 * (1 - saturation[:, None] * falls) + 0.5)
    return colours.view(np.uint32).reshape(-1)


def padded(pixels: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return pixels with 0 below and to the right, so that they are so many rows and columns."""
    if pixels.shape[:2] == shape:
        return pixels
    more = [(0, n - m) for n, m in zip(shape, pixels.shape, strict=False)]
    return np.pad(pixels, more + [(0, 0)] * (pixels.ndim - 2))
