"""Morton numbers of chunks, as bossDB numbers cuboids; the one place of their x, y, z order.

The lowest bit is the lowest of x, the next that of y, then z, and so on up to 21 bits an axis
(bossDB: ``XYZMorton`` of spdb's ``ndlib``; 63 bits fit its signed 64). Neuroglancer's
"compressed" Morton code, which leaves out bits of short axes, is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

BITS = 21
"""Bits of an index along an axis."""

# Each step doubles the gaps: 21 bits together, then in groups of 16, 8, 4, 2, 1 bits, two apart.
_SPREAD = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def morton_of(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return the Morton numbers (n,) of cells (n, 3) given as z, y, x.

    Raises
    ------
    UnsupportedError
        If a cell is negative or does not fit 21 bits.

    Examples
    --------
    >>> morton_of(np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 2]]))
    array([1, 2, 4, 7, 8], dtype=uint64)
    """
    if cells.size and (cells.min() < 0 or cells.max() >= 1 << BITS):
        raise UnsupportedError(
            f"a Morton number has {BITS} bits an axis and cells go from {cells.min()} to "
            f"{cells.max()}; use the list of chunks"
        )
    z, y, x = (_spread(cells[:, axis].astype(np.uint64)) for axis in range(3))
    return np.asarray(x | y << np.uint64(1) | z << np.uint64(2), np.uint64)


def morton_ranges(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return (m, 2): the half-open ranges, ascending, of the Morton numbers of cells (n, 3).

    Raises
    ------
    UnsupportedError
        See `morton_of`.

    Examples
    --------
    >>> morton_ranges(np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]))
    array([[0, 3],
           [4, 5]], dtype=uint64)
    """
    numbers = np.unique(morton_of(cells))
    if not len(numbers):
        return np.empty((0, 2), np.uint64)
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    first = numbers[np.concatenate(([0], breaks + 1))]
    last = numbers[np.concatenate((breaks, [len(numbers) - 1]))]
    return np.column_stack((first, last + np.uint64(1)))


def _spread(index: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the bits of each index with two zeros put between them."""
    for shift, kept in _SPREAD:
        index = (index | index << np.uint64(shift)) & np.uint64(kept)
    return index
