"""Compiled copies between a box of voxels and the chunks that it is cut into.

Importing this module imports numba.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_PROBE = 4096
"""Bytes that are looked at together for one that is not zero."""


@njit(nogil=True, cache=True)
def gather(rows, chunks):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy rows of bytes into `chunks` (n, z, y, bytes of x), in C order; what sticks out is 0."""
    flat, sz, sy, nz, ny, nx = rows
    _, cz, cy, cx = chunks.shape
    number = 0
    for z0 in range(0, nz, cz):
        for y0 in range(0, ny, cy):
            for x0 in range(0, nx, cx):
                chunk = chunks[number]
                width = min(cx, nx - x0)
                if z0 + cz > nz or y0 + cy > ny or width < cx:
                    chunk[:] = 0
                for z in range(min(cz, nz - z0)):
                    for y in range(min(cy, ny - y0)):
                        start = (z0 + z) * sz + (y0 + y) * sy + x0
                        row = chunk[z, y]
                        for x in range(width):
                            row[x] = flat[start + x]
                number += 1


@njit(nogil=True, cache=True)
def scatter(chunk, size, rows, start):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy a chunk of ``size`` (z, y, bytes of x) into rows of bytes, from ``start`` in their box.

    What sticks out of the box is dropped.
    """
    flat, sz, sy, nz, ny, nx = rows
    cz, cy, cx = size
    z0, y0, x0 = start
    width = min(cx, nx - x0)
    for z in range(min(cz, nz - z0)):
        for y in range(min(cy, ny - y0)):
            to = (z0 + z) * sz + (y0 + y) * sy + x0
            row = (z * cy + y) * cx
            for x in range(width):
                flat[to + x] = chunk[row + x]


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
