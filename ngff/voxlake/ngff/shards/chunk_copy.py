"""Compiled copies between a box of voxels and the chunks that it is cut into.

Importing this module imports numba.
"""

from __future__ import annotations

import numpy as np

from voxlake.platform.compiled import njit

_PROBE = 4096
"""Bytes that are looked at together for one that is not zero."""


# Rows are the outer loops: the long side of memory is then walked in order, and only as many places
# at a time are written, or read, as chunks lie side by side; the other way round misses the
# translation buffer. Indices are unsigned, so that none can count from the end: only then is the
# innermost loop compiled to wide moves, 10 times as fast.


@njit(nogil=True, cache=True)
def gather(rows, chunks, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy rows of bytes into `chunks`, one after the other in C order; what sticks out is 0.

    ``size`` is that of a chunk: z, y, and bytes along x.
    """
    flat, sz, sy, nz, ny, nx = rows
    cz, cy, cx = size
    across, whole = -(-nx // cx), cz * cy * cx
    first = 0
    for z0 in range(0, nz, cz):
        for y0 in range(0, ny, cy):
            if z0 + cz > nz or y0 + cy > ny or nx % cx:
                chunks[first : first + across * whole] = 0
            for z in range(min(cz, nz - z0)):
                for y in range(min(cy, ny - y0)):
                    place = np.uintp((z0 + z) * sz + (y0 + y) * sy)
                    to = np.uintp(first + (z * cy + y) * cx)
                    for number in range(across):
                        for x in range(np.uintp(min(cx, nx - number * cx))):
                            chunks[to + np.uintp(x)] = flat[place + np.uintp(x)]
                        place += np.uintp(cx)
                        to += np.uintp(whole)
            first += across * whole


@njit(nogil=True, cache=True)
def scatter(chunks, size, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy `chunks`, one after the other in C order, into rows of bytes.

    What sticks out of them is dropped. ``size`` is that of a chunk: z, y, and bytes along x.
    """
    flat, sz, sy, nz, ny, nx = rows
    cz, cy, cx = size
    across, whole = -(-nx // cx), cz * cy * cx
    first = 0
    for z0 in range(0, nz, cz):
        for y0 in range(0, ny, cy):
            for z in range(min(cz, nz - z0)):
                for y in range(min(cy, ny - y0)):
                    place = np.uintp(first + (z * cy + y) * cx)
                    to = np.uintp((z0 + z) * sz + (y0 + y) * sy)
                    for number in range(across):
                        for x in range(np.uintp(min(cx, nx - number * cx))):
                            flat[to + np.uintp(x)] = chunks[place + np.uintp(x)]
                        place += np.uintp(whole)
                        to += np.uintp(cx)
            first += across * whole


@njit(nogil=True, cache=True)
def has_voxels(chunks):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return which of `chunks` (n, bytes) has a byte that is not zero."""
    found = np.zeros(chunks.shape[0], np.bool_)
    for number in range(chunks.shape[0]):
        chunk = chunks[number]
        for start in range(0, chunk.size, _PROBE):
            seen = np.uint8(0)
            for value in chunk[start : start + _PROBE]:
                seen |= value
            if seen:
                found[number] = True
                break
    return found
