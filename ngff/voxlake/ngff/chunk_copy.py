"""Compiled copies between a box of voxels and the chunks that it is cut into.

Importing this module imports numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import as_strided

if TYPE_CHECKING:
    import numpy.typing as npt

_PROBE = 4096
"""Bytes that are looked at together for one that is not zero."""


def rows_of(voxels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Return the bytes of (z, y, x) `voxels`, first to last, and the strides of z and y.

    The rows along x must be contiguous. What lies between rows is not to be touched.
    """
    steps = voxels.strides
    if steps[2] != voxels.itemsize and voxels.shape[2] > 1:
        raise ValueError(f"voxels with strides {steps} have no contiguous rows")
    last = sum((n - 1) * step for n, step in zip(voxels.shape[:2], steps[:2], strict=True))
    span = last + voxels.shape[2] * voxels.itemsize
    flat = as_strided(voxels[:1, :1, :1].reshape(-1).view(np.uint8), (span,), (1,))
    return flat, (steps[0], steps[1])


@njit(nogil=True, cache=True)
def gather(flat, steps, shape, chunks):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy rows of bytes into `chunks` (n, z, y, bytes of x), in C order; what sticks out is 0.

    ``shape`` is that of the box: z, y and bytes along x.
    """
    _, cz, cy, cx = chunks.shape
    number = 0
    for z0 in range(0, shape[0], cz):
        for y0 in range(0, shape[1], cy):
            for x0 in range(0, shape[2], cx):
                chunk = chunks[number]
                width = min(cx, shape[2] - x0)
                if z0 + cz > shape[0] or y0 + cy > shape[1] or width < cx:
                    chunk[:] = 0
                for z in range(min(cz, shape[0] - z0)):
                    for y in range(min(cy, shape[1] - y0)):
                        start = (z0 + z) * steps[0] + (y0 + y) * steps[1] + x0
                        row = chunk[z, y]
                        for x in range(width):
                            row[x] = flat[start + x]
                number += 1


@njit(nogil=True, cache=True)
def scatter(chunk, size, flat, steps, start, shape):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Copy a chunk of ``size`` (z, y, bytes of x) into rows of bytes, from ``start`` in their box.

    ``shape`` is that of the box; what sticks out of it is dropped.
    """
    cz, cy, cx = size
    width = min(cx, shape[2] - start[2])
    for z in range(min(cz, shape[0] - start[0])):
        for y in range(min(cy, shape[1] - start[1])):
            to = (start[0] + z) * steps[0] + (start[1] + y) * steps[1] + start[2]
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
