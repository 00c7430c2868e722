"""Which shards of an array are there, and how that looks along an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from voxlake.platform import store

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

MOST_LISTED = 100_000
"""Objects that are listed: a hundred requests to S3."""


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Which shards of an array are stored; others are of fill, or not written yet."""

    grid: tuple[int, ...]
    """Shards along each axis of the array."""
    cells: npt.NDArray[np.int64]
    """(n, axes) places in that grid of those that were found."""
    whole: bool
    """Whether the store was listed to its end: else there may be more."""

    @property
    def stored(self) -> int:
        """How many were found."""
        return len(self.cells)

    @property
    def shards(self) -> int:
        """How many there can be."""
        return math.prod(self.grid)


def list_coverage(volume: Volume, most: int = MOST_LISTED) -> Coverage:
    """Return which shards of an array are there, by a listing of its store.

    Parameters
    ----------
    most
        Objects that are listed at most.

    Raises
    ------
    StoreError
        If the store fails.
    UnsupportedError
        If it cannot be listed.
    """
    start = len(volume.url.key) + 1 if volume.url.key else 0
    infos = list(islice(store.walk(volume.shards_url), most + 1))
    found = [volume.cell_of(info.url.key[start:]) for info in infos[:most]]
    cells = np.array([cell for cell in found if cell is not None], np.int64)
    grid = volume.grid
    return Coverage(grid, cells.reshape(-1, len(grid)), whole=len(infos) <= most)


def projection(coverage: Coverage, across: int, most: int) -> npt.NDArray[np.float64]:
    """Return how much of an array is there as it is seen along an axis.

    Parameters
    ----------
    across
        The axis of the last three (z, y, x) that is looked along: 0, 1 or 2.
    most
        Values along an edge at most: where the grid has more shards, neighbours are one value.

    Returns
    -------
    ndarray
        (rows, columns) shares from 0 to 1 of the shards behind each place that are there, of all
        channels and times; the axes are those of z, y, x that are left, in their order.

    Examples
    --------
    >>> there = Coverage((2, 1, 2), np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1]]), whole=True)
    >>> projection(there, 0, 8).tolist(), projection(there, 1, 8).tolist()
    ([[1.0, 0.5]], [[1.0, 0.0], [1.0, 1.0]])
    """
    axes = len(coverage.grid) - 3
    rows, columns = (axes + axis for axis in range(3) if axis != across)
    lengths = coverage.grid[rows], coverage.grid[columns]
    down, along = (np.arange(n) * min(n, most) // n for n in lengths)
    shape = min(lengths[0], most), min(lengths[1], most)
    behind = coverage.shards // math.prod(lengths)
    places = down[coverage.cells[:, rows]] * shape[1] + along[coverage.cells[:, columns]]
    there = np.bincount(places, minlength=math.prod(shape)).reshape(shape)
    return there / (np.outer(np.bincount(down), np.bincount(along)) * behind)
