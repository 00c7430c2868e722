"""Make the voxels of a coarser level from those of the finer one.

Images: the mean of each block, halves rounded to the even integer as NumPy and TensorStore do.
Labels: the label that most voxels of the block have; of equals the one met first in C order;
background (0) only if nothing else is there, so that thin processes do not vanish. Blocks at the
far faces hold what is left of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from voxlake.ngff.layout import Kind
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_VOXELS = 512
"""Most voxels that one block may have."""


def downsample(voxels: npt.NDArray[Any], factors: tuple[int, ...], kind: Kind) -> npt.NDArray[Any]:
    """Return `voxels` reduced by `factors`, one for each axis, the last three spatial.

    Raises
    ------
    InvalidInputError
        If a factor is below 1, reduces an axis that is not spatial, or a block is too large.

    Examples
    --------
    >>> downsample(np.array([[[1, 2, 7]]], np.uint8), (1, 1, 2), Kind.IMAGE)
    array([[[2, 7]]], dtype=uint8)
    >>> downsample(np.array([[[0, 5, 0]]], np.uint64), (1, 1, 3), Kind.LABELS)
    array([[[5]]], dtype=uint64)
    """
    _check_factors(factors)
    shape = tuple(-(-n // f) for n, f in zip(voxels.shape, factors, strict=True))
    result = np.empty(shape, voxels.dtype)
    source = np.ascontiguousarray(voxels).reshape(-1, *voxels.shape[-3:])
    target = result.reshape(-1, *shape[-3:])
    reduce = _kernel(kind, voxels.dtype)
    for fine, coarse in zip(source, target, strict=True):
        reduce(fine, coarse, *factors[-3:])
    return result


def _check_factors(factors: tuple[int, ...]) -> None:
    unusable = any(factor != 1 for factor in factors[:-3]) or min(factors) < 1
    if unusable or math.prod(factors) > MOST_VOXELS:
        raise InvalidInputError(
            f"factors {factors} cannot be used; only z, y, x are reduced, by blocks of 1 to "
            f"{MOST_VOXELS} voxels"
        )


def _kernel(kind: Kind, dtype: np.dtype[Any]) -> Any:  # numba's dispatchers have no type
    if kind is Kind.LABELS:
        return _mode
    return _mean_float if dtype.kind == "f" else _mean


# Blocks of 2x2x2 and 1x2x2 are nearly all there are. A whole row of them goes through a loop of
# constant bounds, 10 to 30 times as fast; what the far faces cut goes voxel by voxel.


@numba.njit(nogil=True, cache=True)
def _mean(fine, coarse, fz, fy, fx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for z in range(coarse.shape[0]):
        for y in range(coarse.shape[1]):
            pairs = _whole_pairs(fine, z, y, fz, fy, fx)
            _mean_row(_rows(fine, z, y, fz), coarse[z, y], pairs)
            for x in range(pairs, coarse.shape[2]):
                coarse[z, y, x] = _mean_of_block(fine, z * fz, y * fy, x * fx, (fz, fy, fx))


@numba.njit(nogil=True, cache=True)
def _whole_pairs(fine, z, y, fz, fy, fx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if fy != 2 or fx != 2 or fz > 2 or (z + 1) * fz > fine.shape[0] or 2 * y + 2 > fine.shape[1]:
        return 0
    return fine.shape[2] // 2


@numba.njit(nogil=True, cache=True)
def _rows(fine, z, y, fz):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    # Of 1x2x2 blocks each row comes twice: neither mean nor mode changes. Where there are no
    # whole pairs the rows are not used, but must be some.
    upper, lower = fine[z * fz], fine[min(z * fz + fz, fine.shape[0]) - 1]
    y0, y1 = min(2 * y, fine.shape[1] - 1), min(2 * y + 1, fine.shape[1] - 1)
    return upper[y0], upper[y1], lower[y0], lower[y1]


@numba.njit(nogil=True, cache=True)
def _mean_row(rows, coarse, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    a, b, c, d = rows
    for x in range(size):
        left = np.int64(a[2 * x]) + np.int64(b[2 * x]) + np.int64(c[2 * x]) + np.int64(d[2 * x])
        x1 = 2 * x + 1
        right = np.int64(a[x1]) + np.int64(b[x1]) + np.int64(c[x1]) + np.int64(d[x1])
        total = left + right
        coarse[x] = (total + 3 + ((total >> 3) & 1)) >> 3  # halves to the even integer


@numba.njit(nogil=True, cache=True)
def _mean_of_block(fine, z, y, x, factors):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    total = np.int64(0)
    count = np.int64(0)
    for i in range(z, min(z + factors[0], fine.shape[0])):
        for j in range(y, min(y + factors[1], fine.shape[1])):
            for k in range(x, min(x + factors[2], fine.shape[2])):
                total += np.int64(fine[i, j, k])
                count += 1
    mean = total // count
    twice = 2 * (total - mean * count)
    if twice > count or (twice == count and mean & 1):
        mean += 1
    return mean


@numba.njit(nogil=True, cache=True)
def _mean_float(fine, coarse, fz, fy, fx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for z in range(coarse.shape[0]):
        for y in range(coarse.shape[1]):
            for x in range(coarse.shape[2]):
                total = 0.0
                count = 0
                for i in range(z * fz, min((z + 1) * fz, fine.shape[0])):
                    for j in range(y * fy, min((y + 1) * fy, fine.shape[1])):
                        for k in range(x * fx, min((x + 1) * fx, fine.shape[2])):
                            total += fine[i, j, k]
                            count += 1
                coarse[z, y, x] = total / count


@numba.njit(nogil=True, cache=True)
def _mode(fine, coarse, fz, fy, fx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    block = np.empty(fz * fy * fx, fine.dtype)
    for z in range(coarse.shape[0]):
        for y in range(coarse.shape[1]):
            pairs = _whole_pairs(fine, z, y, fz, fy, fx)
            rows = _rows(fine, z, y, fz)
            for x in range(coarse.shape[2]):
                # Most blocks lie inside one body: those are not counted.
                if x < pairs and _is_uniform(rows, 2 * x):
                    coarse[z, y, x] = rows[0][2 * x]
                else:
                    filled = _gather(fine, z * fz, y * fy, x * fx, (fz, fy, fx), block)
                    coarse[z, y, x] = _most_frequent(block, filled)


@numba.njit(nogil=True, cache=True)
def _is_uniform(rows, x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    a, b, c, d = rows
    label = a[x]
    unlike = (label ^ a[x + 1]) | (label ^ b[x]) | (label ^ b[x + 1]) | (label ^ c[x])
    return (unlike | (label ^ c[x + 1]) | (label ^ d[x]) | (label ^ d[x + 1])) == 0


@numba.njit(nogil=True, cache=True)
def _gather(fine, z, y, x, factors, block):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    filled = 0
    for i in range(z, min(z + factors[0], fine.shape[0])):
        for j in range(y, min(y + factors[1], fine.shape[1])):
            for k in range(x, min(x + factors[2], fine.shape[2])):
                label = fine[i, j, k]
                if label != 0:
                    block[filled] = label
                    filled += 1
    return filled


@numba.njit(nogil=True, cache=True)
def _most_frequent(block, filled):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
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
