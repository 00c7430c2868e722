"""Compiled: read, decode and put in the pieces of chunks, without the interpreter.

Importing this module imports numba. Memory is told by its address: whoever calls this holds it.
"""

from __future__ import annotations

import numpy as np
from llvmlite import binding
from numba import types

from voxlake.ngff.reading.libzstd import libzstd
from voxlake.platform.compiled import njit

# Known by a name, functions need not be compiled again by each process, as those at an address do.
binding.add_symbol("voxlake_zstd_decompress", libzstd().decompress)

UNREAD = -(1 << 62)
"""Said of a chunk that could not be read; zstd says small negative numbers of its errors."""

_UINT, _INT = types.uintp, types.int64
_pread = types.ExternalFunction("pread", _INT(types.intc, _UINT, _UINT, _INT))
_memcpy = types.ExternalFunction("memcpy", _UINT(_UINT, _UINT, _UINT))
_decompress = types.ExternalFunction(
    "voxlake_zstd_decompress", _INT(_UINT, _UINT, _UINT, _UINT, _UINT)
)


@njit(nogil=True, cache=True)
def put_pieces(chunks, places, extents, steps):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy pieces of decoded chunks.

    ``chunks`` and ``places`` are addresses of where a piece begins; ``extents`` its voxels along z
    and y, and bytes along x; ``steps`` the bytes between neighbours along z and y, of chunks and of
    the box.
    """
    for n in range(len(chunks)):
        _put_piece(chunks[n], places[n], extents[n], steps)


@njit(nogil=True, cache=True)
def decode_pieces(file, rooms, context, stored, pieces, wanted):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Decode chunks and put in pieces of them, those from ``wanted[0]`` to ``wanted[1]``.

    Returns how far it came, and if that is not to the end what zstd returned, or `UNREAD` if the
    file did not give all.

    Parameters
    ----------
    file, rooms, context
        A descriptor, or -1 for chunks in memory; addresses that a chunk can be read to and decoded
        to; of what zstd works with.
    stored
        Place and size of each chunk as it is stored, in the file or in memory.
    pieces
        Address that each chunk is decoded to, 0 for the room; then where its piece begins in it,
        and as `put_pieces` places, extents, and steps; and the bytes of a chunk.
    """
    chunks, inside, places, extents, steps, size = pieces
    for n in range(wanted[0], wanted[1]):
        payload = stored[n, 0]
        if file >= 0:
            if _pread(file, _UINT(rooms[0]), _UINT(stored[n, 1]), payload) != stored[n, 1]:
                return n, np.int64(UNREAD)
            payload = rooms[0]
        chunk = chunks[n] or rooms[1]
        found = _decompress(
            _UINT(context), _UINT(chunk), _UINT(size), _UINT(payload), _UINT(stored[n, 1])
        )
        if found != size:
            return n, found
        if chunk != places[n]:
            _put_piece(chunk + inside[n], places[n], extents[n], steps)
    return wanted[1], np.int64(0)


@njit(nogil=True, cache=True)
def _put_piece(chunk, place, extent, steps):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for z in range(extent[0]):
        for y in range(extent[1]):
            voxels = chunk + z * steps[0] + y * steps[1]
            _memcpy(_UINT(place + z * steps[2] + y * steps[3]), _UINT(voxels), _UINT(extent[2]))


@njit(nogil=True, cache=True)
def find_pieces(grid, chunk, box, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the pieces of a box in a shard: see `Pieces`.

    ``grid`` and ``chunk`` are shapes, ``box`` its start and stop in voxels of the shard, which it
    may reach beyond; ``size`` the bytes of a voxel.
    """
    axes = len(grid)
    first, last = np.empty(axes, np.int64), np.empty(axes, np.int64)
    count = 1
    for axis in range(axes):
        first[axis] = max(box[0, axis], 0) // chunk[axis]
        stop = min(box[1, axis], grid[axis] * chunk[axis])
        last[axis] = -(-stop // chunk[axis])
        count *= last[axis] - first[axis]
    found = np.empty((count, 3), np.int64)
    extents = np.empty((count, 3), np.int64)
    at = first.copy()
    for n in range(count):
        number = inside = place = 0
        for axis in range(axes):
            start = at[axis] * chunk[axis]
            lo = max(start, box[0, axis])
            extent = min(start + chunk[axis], box[1, axis]) - lo
            number = number * grid[axis] + at[axis]
            inside = inside * chunk[axis] + lo - start
            place = place * (box[1, axis] - box[0, axis]) + lo - box[0, axis]
            if axis >= axes - 3:
                extents[n, axis - axes + 3] = extent
        found[n, 0], found[n, 1], found[n, 2] = number, inside * size, place * size
        extents[n, 2] *= size
        axis = axes - 1
        while axis >= 0:
            at[axis] += 1
            if at[axis] < last[axis]:
                break
            at[axis] = first[axis]
            axis -= 1
    return found[:, 0].copy(), found[:, 1].copy(), found[:, 2].copy(), extents
