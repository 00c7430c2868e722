"""The middle slice of a source, made small: what a person recognises it by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.documents.jobs.look import SliceFound
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from voxlake.compute.sources.source import Source

EDGE = 256
"""Pixels of the longest edge that is kept."""
MOST_DECODED = 256 << 20
"""Bytes that are decoded for it, about, at most."""
DARKEST, BRIGHTEST = 0.5, 99.5
"""Percentiles of the values that are drawn as black and white: a hot pixel decides nothing."""


@dataclass(frozen=True, slots=True)
class MiddleSlice:
    """The middle slice, or the middle of one that is large."""

    told: SliceFound
    voxels: np.ndarray
    """y, x; fewer than there are."""


def read_middle(source: Source, *, is_labels: bool) -> MiddleSlice | None:
    """Return the middle slice across z, of the first channel and the middle time point.

    Parameters
    ----------
    is_labels
        Whether voxels are ids, of which some are left out, and not intensities, which are averaged.

    Returns
    -------
    slice
        None if a block that is decoded as a whole is larger than is decoded for it.

    Raises
    ------
    SourceError
        If its voxels cannot be read.
    """
    sizes = dict(zip(source.axes, source.shape, strict=True))
    blocks = dict(zip(source.axes, source.block, strict=True))
    if math.prod(source.block) * source.dtype.itemsize > MOST_DECODED:
        return None
    deep = math.prod(n for name, n in blocks.items() if name not in {"y", "x"})
    edge = math.isqrt(MOST_DECODED // (deep * source.dtype.itemsize))
    spans = {name: _middle(n, edge if name in {"y", "x"} else 1) for name, n in sizes.items()}
    spans |= {"c": (0, 1)} if "c" in sizes else {}
    names = source.axes
    box = Box(tuple(spans[n][0] for n in names), tuple(spans[n][1] for n in names))
    plane = source.read(box).reshape(box.shape[-2:])
    voxels = _fewer(plane, -(-max(plane.shape) // EDGE), is_labels=is_labels)
    low, high = _window(voxels)
    told = SliceFound(z=spans["z"][0], y=spans["y"], x=spans["x"], low=low, high=high)
    return MiddleSlice(told, voxels)


def _middle(size: int, wanted: int) -> tuple[int, int]:
    """Return the middle of an axis, half-open.

    Examples
    --------
    >>> _middle(10, 1), _middle(10, 4), _middle(3, 4)
    ((5, 6), (3, 7), (0, 3))
    """
    start = (size - wanted + 1) // 2 if size > wanted else 0
    return start, min(start + wanted, size)


def _fewer(plane: np.ndarray, step: int, *, is_labels: bool) -> np.ndarray:
    """Return one voxel of each square of `step` by `step`: an average, of labels the first.

    Examples
    --------
    >>> _fewer(np.array([[0, 2, 4], [2, 4, 4]], np.uint8), 2, is_labels=False)
    array([[2, 4]], dtype=uint8)
    >>> _fewer(np.array([[7, 2, 4], [2, 4, 4]], np.uint64), 2, is_labels=True)
    array([[7, 4]], dtype=uint64)
    """
    if step == 1 or is_labels:
        return np.ascontiguousarray(plane[::step, ::step])
    padded = np.pad(plane, [(0, -n % step) for n in plane.shape], mode="edge")
    rows, columns = (n // step for n in padded.shape)
    squares = padded.reshape(rows, step, columns, step)
    means = squares.mean(axis=(1, 3), dtype=np.float64)
    return (np.rint(means) if plane.dtype.kind in "iu" else means).astype(plane.dtype)


def _window(voxels: np.ndarray) -> tuple[float, float]:
    values = voxels[np.isfinite(voxels)] if voxels.dtype.kind == "f" else voxels
    if not values.size:
        return 0.0, 1.0
    low, high = (float(each) for each in np.percentile(values, (DARKEST, BRIGHTEST)))
    return (low, high) if low < high else (low, low + 1.0)
