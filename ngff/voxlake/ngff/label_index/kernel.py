"""The compiled pass over chunks of voxels: runs along x into an open-addressing hash per chunk.

Sixty-four voxels at a time are compared with their neighbours to the left, by vector instructions;
what is left to do is one look-up for each run. Importing this module imports numba;
`voxlake.ngff.label_index.rows` does so on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    import numpy.typing as npt

FIELDS = 8
"""Columns of a found row, a line of the cache: label, voxels, z0, y0, x0, z1, y1, x1."""

FIRST_ROWS = 1024
"""Rows that there is room for to begin with; doubled when it is short."""

LANES = 64
"""Voxels that are compared at a time: one bit of a word for each."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing (Knuth, 6.4).
_HIGH = np.uint64(32)
_ONE = np.uint64(1)

_intrinsic: Any = intrinsic
"""Its types take the typing context for an argument of callers."""


# Indices are unsigned throughout, so that numba leaves out the test for negative ones.


@njit(nogil=True, cache=True)
def scan_blocks(
    voxels: npt.NDArray[Any],
    strides: tuple[int, int],
    places: npt.NDArray[np.int64],
    extents: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return the rows of every label in every block, block by block, and how many each has.

    Boxes are half-open and begin at the first voxel of the block; background 0 has no row.

    Parameters
    ----------
    voxels
        Flat memory. All of it may be read, what lies between the rows of the blocks too.
    strides
        Voxels from one z to the next, and from one y to the next.
    places
        (n,) the first voxel of each block.
    extents
        (n, 3) voxels of each block along z, y, x.

    Returns
    -------
    rows, counts
        (m, FIELDS), in the order in which labels first appear; (n,) rows of each block.
    """
    slots = np.empty(2 * FIRST_ROWS, np.uint32)
    rows = np.empty((FIRST_ROWS, FIELDS), np.uint64)
    counts = np.zeros(len(places), np.int64)
    first = 0
    for number in range(len(places)):
        block = (places[number], strides, extents[number])
        slots[:] = 0
        line, lines = 0, extents[number, 0] * extents[number, 1]
        while True:
            line, count = _scan(voxels, block, line, counts[number], rows[first:], slots)
            counts[number] = count
            if line == lines:
                break
            rows, slots = _grown(rows, slots, first, count, extents[number, 2])
        first += counts[number]
    return rows[:first], counts


@njit(nogil=True, cache=True)
def _scan(voxels: Any, block: Any, line: Any, count: Any, rows: Any, slots: Any) -> Any:
    """Add the runs of a block from `line` on to its `count` rows.

    It stops before a line that there may be no room for: arrays that grow within the loops make
    them twice as slow. A slot holds the number of a row, from 1 on; 0 is an empty one.

    Returns
    -------
    line, count
        Where it stopped, and how many rows there are.
    """
    origin, strides, (depth, height, width) = block
    room = min(len(rows), len(slots) // 2) - width
    while line < depth * height:
        if count > room:
            break
        z, y = line // height, line % height
        place = np.uintp(origin + z * strides[0] + y * strides[1])
        count = _scan_line(voxels, place, (z, y, width), count, rows, slots)
        line += 1
    return line, count


@njit(nogil=True, cache=True)
def _scan_line(voxels: Any, origin: Any, line: Any, count: Any, rows: Any, slots: Any) -> Any:
    z, y, width = np.uint64(line[0]), np.uint64(line[1]), np.uint64(line[2])
    x = np.uint64(0)
    while x < width:
        place, lanes = origin + x, min(np.uint64(LANES), width - x)
        edges = _edges(voxels, place, lanes)
        start = np.uint64(0)
        while start < lanes:
            stop = _trailing_zeros(edges) if edges else lanes
            edges &= edges - _ONE
            label = np.uint64(voxels[place + start])
            if label:
                slot = _slot(slots, rows, label)
                if not slots[slot]:
                    _begin(rows, np.uint64(count), label, z)
                    count += 1
                    slots[slot] = count
                _extend(rows, np.uint64(slots[slot]) - _ONE, (z, y, x + start, x + stop))
            start = stop
        x += np.uint64(LANES)
    return count


@njit(nogil=True, cache=True)
def _edges(voxels: Any, place: Any, lanes: Any) -> Any:
    """Return a word whose bit i, above 0, says that voxel i is not as the one before it."""
    if place and place + np.uintp(LANES) <= np.uintp(voxels.size):
        edges = _differ_from_last(voxels, place)
        if lanes < LANES:
            edges &= (_ONE << lanes) - _ONE
        return edges & ~_ONE
    edges = np.uint64(0)
    for lane in range(_ONE, lanes):
        if voxels[place + lane] != voxels[place + lane - _ONE]:
            edges |= _ONE << lane
    return edges


@njit(nogil=True, cache=True)
def _slot(slots: Any, rows: Any, label: Any) -> Any:
    """Return the slot that holds the row of `label`, or the empty one where it belongs."""
    last = np.uint64(len(slots) - 1)
    slot = ((label * _GOLDEN) >> _HIGH) & last
    while slots[slot] and rows[np.uint64(slots[slot]) - _ONE, 0] != label:
        slot = (slot + _ONE) & last
    return slot


@njit(nogil=True, cache=True)
def _begin(rows: Any, row: Any, label: Any, z: Any) -> None:
    """Make the row of a label that appears at `z`, of no voxels yet."""
    rows[row, 0], rows[row, 1], rows[row, 2] = label, 0, z
    rows[row, 3] = rows[row, 4] = ~np.uint64(0)
    rows[row, 6] = rows[row, 7] = 0


@njit(nogil=True, cache=True)
def _extend(rows: Any, row: Any, run: Any) -> None:
    """Add the run z, y, [x, stop): runs come by ascending z, so the first z is the least."""
    z, y, x, stop = run
    rows[row, 1] += stop - x
    rows[row, 3] = min(rows[row, 3], y)
    rows[row, 4] = min(rows[row, 4], x)
    rows[row, 5] = z + _ONE
    rows[row, 6] = max(rows[row, 6], y + _ONE)
    rows[row, 7] = max(rows[row, 7], stop)


@njit(nogil=True, cache=True)
def _grown(rows: Any, slots: Any, first: Any, count: Any, more: Any) -> Any:
    """Return rows and slots with room for `more`: `count` are in the slots, `first` before them."""
    stop = first + count
    if stop + more > len(rows):
        larger = np.empty((2 * (stop + more), FIELDS), np.uint64)
        # Assigning the slice does the same, but takes numba five seconds to compile.
        for row in range(stop):
            for field in range(FIELDS):
                larger[row, field] = rows[row, field]
        rows = larger
    size = len(slots)
    while 2 * (count + more) > size:
        size *= 2
    if size > len(slots):
        slots = np.zeros(size, np.uint32)
        for number in range(count):
            slots[_slot(slots, rows[first:], rows[first + number, 0])] = number + 1
    return rows, slots


@_intrinsic  # type: ignore[untyped-decorator]  # see `_intrinsic`
def _differ_from_last(_typing: Any, voxels: Any, place: Any) -> Any:
    """Return a word whose bit i says that voxel `place` + i is not as the one before it.

    LLVM makes of it whatever vectors the processor has; of a loop it would not. Lane 0 is the
    lowest bit on little-endian machines, the only ones that numba supports.
    """
    lane = ir.IntType(voxels.dtype.bitwidth)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        here = builder.gep(memory, [arguments[1]])
        before = builder.gep(here, [ir.Constant(ir.IntType(64), -1)])
        lanes = ir.VectorType(lane, LANES).as_pointer()
        left, right = (
            builder.load(builder.bitcast(pointer, lanes), align=lane.width // 8)
            for pointer in (before, here)
        )
        return builder.bitcast(builder.icmp_unsigned("!=", left, right), ir.IntType(LANES))

    return types.uint64(voxels, place), generate


@_intrinsic  # type: ignore[untyped-decorator]  # see `_intrinsic`
def _trailing_zeros(_typing: Any, word: Any) -> Any:
    """Return the number of the lowest bit of `word` that is set; there must be one."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(word), generate
