"""A region of a stored array, cut where its shards end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import zarr

    from voxlake.ngff.grid.box import Box


@dataclass(frozen=True, slots=True)
class Window:
    """The voxels of `box` of `array`; indexed from its start, and read when indexed."""

    array: zarr.Array[Any]
    box: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.box.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.box.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self.array.dtype)

    def __getitem__(self, index: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        """Return voxels by basic indexing, an index for each axis: what Dask fuses slices to."""
        parts = [
            cover(part, lo, hi)
            for part, lo, hi in zip(index, self.box.start, self.box.stop, strict=True)
        ]
        voxels = np.asarray(self.array[tuple(outer for outer, _ in parts)])
        return voxels[tuple(inner for _, inner in parts)]

    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Return the extents along each axis of the parts of the shards that lie in the box."""
        shard = self.array.shards or self.array.chunks
        spans = zip(self.box.start, self.box.stop, shard, strict=True)
        return tuple(extents(lo, hi, step) for lo, hi, step in spans)


def cover(part: int | slice, lo: int, hi: int) -> tuple[slice, int | slice]:
    """Return the range of ``[lo, hi)`` that covers `part` of it, and `part` within that range.

    Zarr takes no negative steps.

    Examples
    --------
    >>> cover(slice(None, None, -4), 10, 20), cover(3, 10, 20)
    ((slice(11, 20, None), slice(None, None, -4)), (slice(13, 14, None), 0))
    """
    places = range(lo, hi)[part]
    if isinstance(places, int):
        return slice(places, places + 1), 0
    if not places:
        return slice(lo, lo), slice(None)
    first, last = min(places[0], places[-1]), max(places[0], places[-1])
    return slice(first, last + 1), slice(None, None, places.step)


def extents(lo: int, hi: int, step: int) -> tuple[int, ...]:
    """Return how ``[lo, hi)`` is divided by the multiples of `step`.

    Examples
    --------
    >>> extents(30, 100, 32)
    (2, 32, 32, 4)
    """
    inner = range((lo // step + 1) * step, hi, step)
    ends = [lo, *inner, hi]
    return tuple(b - a for a, b in pairwise(ends))
