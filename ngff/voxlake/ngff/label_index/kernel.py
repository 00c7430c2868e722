"""The compiled pass over one shard: x-runs of voxels into an open-addressing hash per chunk.

Importing this module imports numba; `voxlake.ngff.label_index.rows` does so on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    import numpy.typing as npt

    type Zyx = tuple[int, int, int]

FIELDS = 9
"""Columns of a found row: label, chunk, voxels, z0, y0, x0, z1, y1, x1."""

FIRST_SLOTS = 1024
"""Slots of the hash to begin with: a power of two, doubled when a chunk fills half of it."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing (Knuth, 6.4).
_HIGH = np.uint64(32)
_ONE = np.uint64(1)


@njit(nogil=True, cache=True)
def scan_shard(voxels: npt.NDArray[Any], chunk: Zyx, grid: Zyx) -> npt.NDArray[np.uint64]:
    """Return the rows (n, FIELDS) of every (chunk, label) of a shard, by ascending chunk.

    Boxes are half-open and begin at the first voxel of the chunk; background 0 has no row.

    Parameters
    ----------
    voxels
        (z, y, x), C order, clipped to the volume.
    chunk
        Voxels of a chunk along z, y, x.
    grid
        Chunks of a whole shard along z, y, x: chunks are numbered in its C order.
    """
    slots = np.empty(FIRST_SLOTS, np.int64)
    rows = np.empty((FIRST_SLOTS, FIELDS), np.uint64)
    count = 0
    for z in range(0, voxels.shape[0], chunk[0]):
        for y in range(0, voxels.shape[1], chunk[1]):
            for x in range(0, voxels.shape[2], chunk[2]):
                number = (z // chunk[0] * grid[1] + y // chunk[1]) * grid[2] + x // chunk[2]
                block = voxels[z : z + chunk[0], y : y + chunk[1], x : x + chunk[2]]
                found = _scan_chunk(block, number, slots, rows[count:])
                while found < 0:
                    if len(rows) - count < len(slots) // 2:
                        rows = _doubled(rows)
                    else:
                        slots = np.empty(2 * len(slots), np.int64)
                    found = _scan_chunk(block, number, slots, rows[count:])
                count += found
    return rows[:count]


@njit(nogil=True, cache=True)
def _scan_chunk(voxels: Any, number: Any, slots: Any, rows: Any) -> Any:
    """Fill in a chunk's rows and return how many; -1 if there is no room for them."""
    slots[:] = -1
    count, room = 0, min(len(rows), len(slots) // 2)
    depth, height, width = voxels.shape
    for z in range(depth):
        for y in range(height):
            x = 0
            while x < width:
                value, start = voxels[z, y, x], x
                x += 1
                while x < width and voxels[z, y, x] == value:
                    x += 1
                if value == 0:
                    continue
                slot = _slot(slots, rows, np.uint64(value))
                if slots[slot] < 0:
                    if count == room:
                        return -1
                    rows[count, 0], rows[count, 1], rows[count, 2] = value, number, 0
                    rows[count, 3], rows[count, 4], rows[count, 5] = z, y, start
                    rows[count, 7], rows[count, 8] = y, start
                    slots[slot] = count
                    count += 1
                _extend(rows, slots[slot], (z, y, start, x))
    return count


@njit(nogil=True, cache=True)
def _slot(slots: Any, rows: Any, label: Any) -> Any:
    """Return the slot that holds the row of `label`, or the empty one where it belongs."""
    # Unsigned, so that numba leaves out the test for negative indices.
    last = np.uint64(len(slots) - 1)
    slot = ((label * _GOLDEN) >> _HIGH) & last
    while slots[slot] >= 0 and rows[slots[slot], 0] != label:
        slot = (slot + _ONE) & last
    return slot


@njit(nogil=True, cache=True)
def _extend(rows: Any, row: Any, run: Any) -> None:
    """Add the run z, y, [x, stop): runs come by ascending z, so the first z is the least."""
    z, y, x, stop = run
    rows[row, 2] += np.uint64(stop - x)
    rows[row, 4] = min(rows[row, 4], np.uint64(y))
    rows[row, 5] = min(rows[row, 5], np.uint64(x))
    rows[row, 6] = z + 1
    rows[row, 7] = max(rows[row, 7], np.uint64(y + 1))
    rows[row, 8] = max(rows[row, 8], np.uint64(stop))


@njit(nogil=True, cache=True)
def _doubled(rows: Any) -> Any:
    larger = np.empty((2 * len(rows), FIELDS), np.uint64)
    # Assigning the slice does the same, but takes numba five seconds to compile.
    for row in range(len(rows)):
        for field in range(FIELDS):
            larger[row, field] = rows[row, field]
    return larger
