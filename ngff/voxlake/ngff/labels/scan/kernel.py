"""The compiled pass over chunks of voxels: runs along x into an open-addressing hash per chunk.

Sixty-four voxels at a time are compared with their neighbours to the left, by vector instructions;
what is left to do is little for each run, and a look-up for few. `plain` says the same in NumPy.
Importing this module imports numba; `voxlake.ngff.labels.scan.rows` does so on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from voxlake.ngff.labels.scan.plain import FIELDS
from voxlake.platform.compiled import njit

if TYPE_CHECKING:
    import numpy.typing as npt

FIRST_SLOTS = 4096
"""Slots of the hash to begin with, a power of two: as many are cleared soon, and stay in cache."""

SPARSE = 4
"""Slots of the hash for each row that there is room for: no processor foresees a collision."""

AHEAD = 8
"""Lines that voxels are fetched ahead of their use: the processor alone fetches too few."""

CACHE_LINE = 64
"""Bytes."""

LANES = 64
"""Voxels that are compared at a time: one bit of a word for each."""

_ONE = np.uint64(1)

_intrinsic: Any = intrinsic
"""Its types take the typing context for an argument of callers."""


# Indices are unsigned throughout, so that numba leaves out the test for negative ones. What is
# done for each run or line is put where it is called: a call counts references to every array,
# by atomic instructions, which take longer than the work.


@njit(nogil=True, cache=True)
def scan_blocks(
    voxels: npt.NDArray[Any],
    strides: tuple[int, int],
    places: npt.NDArray[np.int64],
    extents: npt.NDArray[np.int64],
    memory: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]],
    factor: np.uint64,
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
    memory
        For rows, (any, FIELDS), and for the hash, at least `FIRST_SLOTS`. More is taken where it
        is short.
    factor
        What labels are hashed with, odd. If nobody can guess it, nobody can make labels that
        collide (multiply-shift hashing, Dietzfelbinger et al. 1997).

    Returns
    -------
    rows, counts
        (m, FIELDS), those of a block in any order; (n,) rows of each block.
    """
    rows, whole_hash = memory
    counts = np.zeros(len(places), np.int64)
    first = 0
    for number in range(len(places)):
        block = (places[number], strides, extents[number])
        depth, height, width = extents[number]
        rows = _with_room(rows, first, 1)
        rows[first, 0] = rows[first, 1] = 0
        slots = _empty(whole_hash, FIRST_SLOTS)
        line, count = 0, 1
        while line < depth * height:
            rows = _with_room(rows, first + count, width)
            if SPARSE * (count + width) > len(slots):
                slots = _empty(whole_hash, 2 * SPARSE * (count + width))
                _enter(rows[first : first + count], (slots, factor))
            line, count = _scan(voxels, block, (line, count), rows[first:], (slots, factor))
        # The row of the background comes first: the last one takes its place.
        count -= 1
        _copy(rows, first + count, rows, first)
        counts[number] = count
        first += count
    return rows[:first].copy(), counts


@njit(nogil=True, cache=True)
def _scan(voxels: Any, block: Any, progress: Any, rows: Any, table: Any) -> Any:
    """Add the runs of a block to its rows, from a line on.

    It stops before a line that there may be no room for: arrays that grow within the loops make
    them twice as slow.

    Returns
    -------
    line, count
        Where it stopped, and how many rows there are; as `progress` says where to begin.
    """
    origin, strides, (depth, height, width) = block
    line, count = progress
    room = min(len(rows), len(table[0]) // SPARSE) - width
    above = np.zeros(width, np.uint32)
    for z in range(line // height, depth):
        for y in range(line - z * height, height):
            if count > room:
                return line, count
            place = np.uintp(origin + z * strides[0] + y * strides[1])
            _prefetch(voxels, place + np.uintp(AHEAD * strides[1]), width)
            count = _scan_line(voxels, place, (z, y, width), count, (rows, above), table)
            line += 1
        above[:] = 0
    return line, count


@njit(nogil=True, inline="always")
def _scan_line(voxels: Any, origin: Any, line: Any, count: Any, known: Any, table: Any) -> Any:
    """Add the runs of a line.

    The label of a run is most often that of the run as far down the line before, of the same z:
    `above` has the row of each, so that few are looked up. All of them reach this z, and a y that
    is not larger.
    """
    rows, above = known
    z, y, width = np.uint64(line[0]), np.uint64(line[1]), np.uint64(line[2])
    x, run = np.uint64(0), np.uint64(0)
    while x < width:
        place, lanes = origin + x, min(np.uint64(LANES), width - x)
        edges = _edges(voxels, place, lanes)
        start = np.uint64(0)
        while start < lanes:
            stop = _trailing_zeros(edges) if edges else lanes
            edges &= edges - _ONE
            label, row = np.uint64(voxels[place + start]), np.uint64(above[run])
            if rows[row, 0] != label:
                slot = _slot(table, rows, label)
                row = np.uint64(table[0][slot])
                if rows[row, 0] != label:
                    row = np.uint64(count)
                    _begin(rows, row, label, z)
                    table[0][slot] = row
                    count += 1
                _reach(rows, row, z, y)
                above[run] = row
            _extend(rows, row, (y, x + start, x + stop))
            run += _ONE
            start = stop
        x += np.uint64(LANES)
    return count


@njit(nogil=True, inline="always")
def _prefetch(voxels: Any, origin: Any, width: Any) -> None:
    """Have a line brought into the cache."""
    lanes = np.uint64(CACHE_LINE // voxels.itemsize)
    x = np.uint64(0)
    while x < np.uint64(width):
        _prefetch_line(voxels, origin + x)
        x += lanes


@njit(nogil=True, inline="always")
def _edges(voxels: Any, place: Any, lanes: Any) -> Any:
    """Return a word whose bit i, above 0, says that voxel i is not as the one before it."""
    edges = np.uint64(0)
    if place and place + np.uintp(LANES) <= np.uintp(voxels.size):
        edges = _differ_from_last(voxels, place)
        if lanes < LANES:
            edges &= (_ONE << lanes) - _ONE
        edges &= ~_ONE
    else:
        for lane in range(_ONE, lanes):
            if voxels[place + lane] != voxels[place + lane - _ONE]:
                edges |= _ONE << lane
    return edges


@njit(nogil=True, inline="always")
def _slot(table: Any, rows: Any, label: Any) -> Any:
    """Return the slot that holds the row of `label`, or the empty one where it belongs.

    A slot holds the number of a row; an empty one 0, that of the background, which has no other.
    """
    slots, factor = table
    last = np.uint64(len(slots) - 1)
    # The upper bits of a product depend on all bits of its factors.
    slot = (label * factor) >> (np.uint64(64) - _trailing_zeros(np.uint64(len(slots))))
    while slots[slot] and rows[np.uint64(slots[slot]), 0] != label:
        slot = (slot + _ONE) & last
    return slot


@njit(nogil=True, inline="always")
def _begin(rows: Any, row: Any, label: Any, z: Any) -> None:
    """Make the row of a label that appears at `z`, of no voxels yet."""
    rows[row, 0], rows[row, 1], rows[row, 2] = label, 0, z
    rows[row, 3] = rows[row, 4] = ~np.uint64(0)
    rows[row, 6] = rows[row, 7] = 0


@njit(nogil=True, inline="always")
def _reach(rows: Any, row: Any, z: Any, y: Any) -> None:
    """Let the box of a row reach to a line of it, which are met by ascending z."""
    rows[row, 3] = min(rows[row, 3], y)
    rows[row, 5] = z + _ONE


@njit(nogil=True, inline="always")
def _extend(rows: Any, row: Any, run: Any) -> None:
    """Add the run y, [x, stop) to a row that reaches there from above."""
    y, x, stop = run
    rows[row, 1] += stop - x
    rows[row, 4] = min(rows[row, 4], x)
    rows[row, 6] = max(rows[row, 6], y + _ONE)
    rows[row, 7] = max(rows[row, 7], stop)


@njit(nogil=True, cache=True)
def _with_room(rows: Any, count: Any, more: Any) -> Any:
    """Return rows with room for `more` after the first `count`, which are kept."""
    if count + more <= len(rows):
        return rows
    larger = np.empty((2 * (count + more), FIELDS), np.uint64)
    for row in range(count):
        _copy(rows, row, larger, row)
    return larger


@njit(nogil=True, cache=True)
def _copy(rows: Any, row: Any, target: Any, place: Any) -> None:
    # Assigning the slice does the same, but takes numba five seconds to compile.
    for field in range(FIELDS):
        target[place, field] = rows[row, field]


@njit(nogil=True, cache=True)
def _empty(memory: Any, least: Any) -> Any:
    """Return `least` empty slots or more, in the memory if it is large enough."""
    size = FIRST_SLOTS
    while size < least:
        size *= 2
    if size > len(memory):
        return np.zeros(size, np.uint32)
    slots = memory[:size]
    slots[:] = 0
    return slots


@njit(nogil=True, cache=True)
def _enter(rows: Any, table: Any) -> None:
    """Enter the rows of a block into an empty hash, but that of the background."""
    for row in range(1, len(rows)):
        table[0][_slot(table, rows, rows[row, 0])] = row


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


@_intrinsic  # type: ignore[untyped-decorator]  # see `_intrinsic`
def _prefetch_line(_typing: Any, voxels: Any, place: Any) -> Any:
    """Have the cache line of voxel `place` brought into the cache; it need not exist."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        line = builder.bitcast(builder.gep(memory, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        read, every_level, data = (ir.Constant(word, number) for number in (0, 3, 1))
        builder.call(prefetch, [line, read, every_level, data])
        return context.get_dummy_value()

    return types.void(voxels, place), generate
