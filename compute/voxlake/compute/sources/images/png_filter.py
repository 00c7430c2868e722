"""The compiled inverse of PNG's filters (W3C PNG, third edition, 9). Imports numba."""
# Compiled functions are typed by numba, at each call.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from voxlake.platform.compiled import njit

# The byte to the left is kept in a register: fetched from `target` again, it takes twice as long.
_NOTHING, _ONE, _BYTE = np.uint32(0), np.uint32(1), np.uint32(255)


@njit(nogil=True, cache=True)
def unfilter(rows, out, step):
    """Undo the filter of each of `rows` (y, 1 + bytes), whose first byte names it.

    ``step`` is the bytes of a pixel. In the first row what would be above is 0.
    """
    above = np.zeros(out.shape[1], np.uint8)
    for y in range(rows.shape[0]):
        kind, source, target = rows[y, 0], rows[y, 1:], out[y]
        if kind == 0:
            target[:] = source
        elif kind == 1:
            _sub(source, target, step)
        elif kind == 2:
            for x in range(target.size):
                target[x] = source[x] + above[x]
        elif kind == 3:
            _average(source, target, above, step)
        else:
            _paeth(source, target, above, step)
        above = target


@njit(nogil=True, cache=True)
def _sub(source, target, step):
    for first in range(step):
        left = _NOTHING
        for x in range(first, target.size, step):
            i = np.uint64(x)
            left = (np.uint32(source[i]) + left) & _BYTE
            target[i] = left


@njit(nogil=True, cache=True)
def _average(source, target, above, step):
    for first in range(step):
        left = _NOTHING
        for x in range(first, target.size, step):
            i = np.uint64(x)
            left = (np.uint32(source[i]) + ((left + np.uint32(above[i])) >> _ONE)) & _BYTE
            target[i] = left


@njit(nogil=True, cache=True)
def _paeth(source, target, above, step):
    for first in range(step):
        left, corner = np.int32(0), np.int32(0)
        for x in range(first, target.size, step):
            i = np.uint64(x)
            up = np.int32(above[i])
            of_left, of_up = up - corner, left - corner
            of_corner = abs(of_left + of_up)
            of_left, of_up = abs(of_left), abs(of_up)
            # Of equal distances left comes before up, and up before the corner.
            nearest = corner if of_corner < of_up else up
            nearest = left if of_left <= min(of_up, of_corner) else nearest
            left = (np.int32(source[i]) + nearest) & np.int32(255)
            target[i] = left
            corner = up
