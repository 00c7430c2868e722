"""The pass over chunks of voxels in plain NumPy: what `kernel` compiles, and answers alike.

It is the reference that the kernel is held against, and takes its place where numba or LLVM have
changed so that it does not compile: exact, and some fifty times slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

if TYPE_CHECKING:
    import numpy.typing as npt

FIELDS = 8
"""Columns of a found row, a line of the cache: label, voxels, z0, y0, x0, z1, y1, x1."""


def scan_blocks(
    voxels: npt.NDArray[Any],
    strides: tuple[int, int],
    places: npt.NDArray[np.int64],
    extents: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return the rows of every label in every block, ascending, and how many each has.

    Parameters and answer are those of `kernel.scan_blocks`.
    """
    steps = tuple(step * voxels.itemsize for step in (*strides, 1))
    found = [
        _rows_of(as_strided(voxels[place:], extent, steps, writeable=False))
        for place, extent in zip(places.tolist(), extents.tolist(), strict=True)
    ]
    rows = np.concatenate([np.empty((0, FIELDS), np.uint64), *found])
    return rows, np.array([len(each) for each in found], np.int64)


def _rows_of(block: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Return the rows of one block: labels are sorted, so that the background comes first."""
    flat = block.ravel()
    order = np.argsort(flat, kind="stable")
    labels, first, counts = np.unique(flat[order], return_index=True, return_counts=True)
    rows = np.empty((len(labels), FIELDS), np.uint64)
    rows[:, 0], rows[:, 1] = labels, counts
    if len(labels):
        for axis, places in enumerate(np.unravel_index(order, block.shape)):
            rows[:, 2 + axis] = np.minimum.reduceat(places, first)
            rows[:, 5 + axis] = np.maximum.reduceat(places, first) + 1
    return rows if labels[:1].all() else rows[1:]
