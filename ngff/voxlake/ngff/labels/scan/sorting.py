"""The compiled sort of rows by label: NumPy's takes as long as decoding a tenth of the shard.

Importing this module imports numba; `voxlake.ngff.labels.scan.rows` does so on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.platform.compiled import njit

if TYPE_CHECKING:
    import numpy.typing as npt

_DIGITS = 256
"""Of a label, to sort by: one for each value of a byte."""


@njit(nogil=True, cache=True)
def sorted_by_label(
    labels: npt.NDArray[np.uint64], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return `order` sorted by label; what has the same label keeps its order (radix sort).

    Parameters
    ----------
    labels
        (n,) any.
    order
        (n,) each number below n, once; it is overwritten.
    """
    spare = np.empty_like(order)
    for shift in range(0, 64, 8):
        if _sort_by_digit(labels, np.uint64(shift), order, spare):
            order, spare = spare, order
    return order


@njit(nogil=True, cache=True)
def _sort_by_digit(labels: Any, shift: Any, order: Any, target: Any) -> bool:
    """Sort `order` into `target`, unless the digit is the same everywhere: most of them are."""
    starts = np.zeros(_DIGITS, np.int64)
    for label in labels:
        starts[_digit(label, shift)] += 1
    if starts.max() == len(labels):
        return False
    start = 0
    for digit in range(_DIGITS):
        start, starts[digit] = start + starts[digit], start
    for number in order:
        digit = _digit(labels[number], shift)
        target[starts[digit]] = number
        starts[digit] += 1
    return True


@njit(nogil=True, cache=True)
def _digit(label: Any, shift: Any) -> Any:
    return (label >> shift) & np.uint64(_DIGITS - 1)


@njit(nogil=True, cache=True)
def lay_out(
    rows: npt.NDArray[np.uint64],
    chunks: npt.NDArray[np.uint16],
    starts: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
) -> tuple[Any, Any, Any, Any, Any]:
    """Return the columns of `Rows` in `order`.

    Parameters
    ----------
    rows
        (n, FIELDS) as of `kernel.scan_blocks`.
    chunks
        (n,) the chunk that each is of.
    starts
        (m, 3) the first voxel of every chunk of the shard.
    order
        (n,) which row comes where.
    """
    labels, found_in = np.empty(len(order), np.uint64), np.empty(len(order), np.uint16)
    voxels = np.empty(len(order), np.uint64)
    start, stop = np.empty((len(order), 3), np.int64), np.empty((len(order), 3), np.int64)
    for place, number in enumerate(order):
        chunk = chunks[number]
        labels[place], voxels[place], found_in[place] = rows[number, 0], rows[number, 1], chunk
        for axis in range(3):
            start[place, axis] = starts[chunk, axis] + np.int64(rows[number, 2 + axis])
            stop[place, axis] = starts[chunk, axis] + np.int64(rows[number, 5 + axis])
    return labels, found_in, voxels, start, stop
