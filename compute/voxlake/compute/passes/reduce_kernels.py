"""The compiled loops of reducing; each takes `Rows` (see ngff.strided) and factors of z, y, x.

Blocks of 2x2x2 and 1x2x2 are nearly all there are. A whole row of them goes through a loop of
constant bounds, 10 to 30 times as fast; what the far faces cut goes voxel by voxel.

Importing this module imports numba.
"""
# Compiled functions are typed by numba, at each call.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from voxlake.platform.compiled import njit


@njit(nogil=True, cache=True)
def row(rows, z, y):
    """Return the row at (z, y)."""
    start = z * rows[1] + y * rows[2]
    return rows[0][start : start + rows[5]]


@njit(nogil=True, cache=True)
def mean(fine, coarse, factors):
    """Take the mean of integers, halves to even."""
    for z in range(coarse[3]):
        for y in range(coarse[4]):
            target = row(coarse, z, y)
            pairs = _whole_pairs(fine, z, y, factors)
            _mean_row(_four_rows(fine, z, y, factors[0]), target, pairs)
            for x in range(pairs, coarse[5]):
                target[x] = _mean_of_block(fine, z, y, x, factors)


@njit(nogil=True, cache=True)
def mean_float(fine, coarse, factors):
    """Take the mean of floating-point numbers, added up as float64."""
    fz, fy, fx = factors
    for z in range(coarse[3]):
        for y in range(coarse[4]):
            target = row(coarse, z, y)
            for x in range(coarse[5]):
                total = 0.0
                count = 0
                for i in range(z * fz, min((z + 1) * fz, fine[3])):
                    for j in range(y * fy, min((y + 1) * fy, fine[4])):
                        for value in row(fine, i, j)[x * fx : min((x + 1) * fx, fine[5])]:
                            total += value
                            count += 1
                target[x] = total / count


@njit(nogil=True, cache=True)
def mode(fine, coarse, factors):
    """Take the most frequent label, background last."""
    block = np.empty(factors[0] * factors[1] * factors[2], fine[0].dtype)
    for z in range(coarse[3]):
        for y in range(coarse[4]):
            target = row(coarse, z, y)
            pairs = _whole_pairs(fine, z, y, factors)
            four = _four_rows(fine, z, y, factors[0])
            for x in range(coarse[5]):
                # Most blocks lie inside one body: those are not counted.
                if x < pairs and _is_uniform(four, 2 * x):
                    target[x] = four[0][2 * x]
                else:
                    filled = _gather(fine, z, y, x, factors, block)
                    target[x] = _most_frequent(block, filled)


@njit(nogil=True, cache=True)
def first(fine, coarse, factors):
    """Take the first voxel of each block."""
    for z in range(coarse[3]):
        for y in range(coarse[4]):
            target = row(coarse, z, y)
            source = row(fine, z * factors[0], y * factors[1])
            for x in range(coarse[5]):
                target[x] = source[x * factors[2]]


@njit(nogil=True, cache=True)
def lowest(fine, coarse, factors):
    """Take the lowest voxel of each block; not-a-number if any is."""
    _extreme(fine, coarse, factors, False)  # noqa: FBT003


@njit(nogil=True, cache=True)
def highest(fine, coarse, factors):
    """Take the highest voxel of each block; not-a-number if any is."""
    _extreme(fine, coarse, factors, True)  # noqa: FBT003


@njit(nogil=True, cache=True)
def _extreme(fine, coarse, factors, high):
    fz, fy, fx = factors
    best = np.empty(fine[5], fine[0].dtype)
    for z in range(coarse[3]):
        for y in range(coarse[4]):
            best[:] = row(fine, z * fz, y * fy)
            for i in range(z * fz, min((z + 1) * fz, fine[3])):
                for j in range(y * fy, min((y + 1) * fy, fine[4])):
                    source = row(fine, i, j)
                    for x in range(fine[5]):
                        best[x] = _better(best[x], source[x], high)
            target = row(coarse, z, y)
            for x in range(coarse[5]):
                extreme = best[x * fx]
                for value in best[x * fx : min((x + 1) * fx, fine[5])]:
                    extreme = _better(extreme, value, high)
                target[x] = extreme


@njit(nogil=True, cache=True)
def _better(a, b, high):
    # Compared with itself for not-a-number, which stays.
    return b if (b > a if high else b < a) or b != b else a  # noqa: PLR0124


@njit(nogil=True, cache=True)
def _whole_pairs(fine, z, y, factors):
    fz, fy, fx = factors
    if fy != 2 or fx != 2 or fz > 2 or (z + 1) * fz > fine[3] or 2 * y + 2 > fine[4]:
        return 0
    return fine[5] // 2


@njit(nogil=True, cache=True)
def _four_rows(fine, z, y, fz):
    # Of 1x2x2 blocks each row comes twice: neither mean nor mode changes. Where there are no
    # whole pairs the rows are not used, but must be some.
    upper, lower = z * fz, min(z * fz + fz, fine[3]) - 1
    y0, y1 = min(2 * y, fine[4] - 1), min(2 * y + 1, fine[4] - 1)
    return row(fine, upper, y0), row(fine, upper, y1), row(fine, lower, y0), row(fine, lower, y1)


@njit(nogil=True, cache=True)
def _mean_row(rows, coarse, size):
    a, b, c, d = rows
    for x in range(size):
        left = np.int64(a[2 * x]) + np.int64(b[2 * x]) + np.int64(c[2 * x]) + np.int64(d[2 * x])
        x1 = 2 * x + 1
        right = np.int64(a[x1]) + np.int64(b[x1]) + np.int64(c[x1]) + np.int64(d[x1])
        total = left + right
        coarse[x] = (total + 3 + ((total >> 3) & 1)) >> 3  # halves to the even integer


@njit(nogil=True, cache=True)
def _mean_of_block(fine, z, y, x, factors):
    fz, fy, fx = factors
    total = np.int64(0)
    count = np.int64(0)
    for i in range(z * fz, min((z + 1) * fz, fine[3])):
        for j in range(y * fy, min((y + 1) * fy, fine[4])):
            for value in row(fine, i, j)[x * fx : min((x + 1) * fx, fine[5])]:
                total += np.int64(value)
                count += 1
    mean = total // count
    twice = 2 * (total - mean * count)
    if twice > count or (twice == count and mean & 1):
        mean += 1
    return mean


@njit(nogil=True, cache=True)
def _is_uniform(rows, x):
    a, b, c, d = rows
    label = a[x]
    unlike = (label ^ a[x + 1]) | (label ^ b[x]) | (label ^ b[x + 1]) | (label ^ c[x])
    return (unlike | (label ^ c[x + 1]) | (label ^ d[x]) | (label ^ d[x + 1])) == 0


@njit(nogil=True, cache=True)
def _gather(fine, z, y, x, factors, block):
    fz, fy, fx = factors
    filled = 0
    for i in range(z * fz, min((z + 1) * fz, fine[3])):
        for j in range(y * fy, min((y + 1) * fy, fine[4])):
            for label in row(fine, i, j)[x * fx : min((x + 1) * fx, fine[5])]:
                if label != 0:
                    block[filled] = label
                    filled += 1
    return filled


@njit(nogil=True, cache=True)
def _most_frequent(block, filled):
    best = block[0] ^ block[0]  # background, as the labels' own type
    most = 0
    for i in range(filled):
        if most >= filled - i:
            break
        count = 0
        for j in range(i, filled):
            if block[j] == block[i]:
                count += 1
        if count > most:
            most = count
            best = block[i]
    return best
