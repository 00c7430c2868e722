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


@numba.njit(nogil=True, cache=True)
def _mean(fine, coarse, fz, fy, fx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for z in range(coarse.shape[0]):
        for y in range(coarse.shape[1]):
            for x in range(coarse.shape[2]):
                total = np.int64(0)
                count = np.int64(0)
                for i in range(z * fz, min((z + 1) * fz, fine.shape[0])):
                    for j in range(y * fy, min((y + 1) * fy, fine.shape[1])):
                        for k in range(x * fx, min((x + 1) * fx, fine.shape[2])):
                            total += np.int64(fine[i, j, k])
                            count += 1
                mean = total // count
                twice = 2 * (total - mean * count)
                if twice > count or (twice == count and mean & 1):
                    mean += 1
                coarse[z, y, x] = mean


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
def _mode(fine, coarse, fz, fy, fx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901, PLR0912
    block = np.empty(fz * fy * fx, fine.dtype)
    for z in range(coarse.shape[0]):
        for y in range(coarse.shape[1]):
            for x in range(coarse.shape[2]):
                filled = 0
                same = True
                for i in range(z * fz, min((z + 1) * fz, fine.shape[0])):
                    for j in range(y * fy, min((y + 1) * fy, fine.shape[1])):
                        for k in range(x * fx, min((x + 1) * fx, fine.shape[2])):
                            label = fine[i, j, k]
                            if label != 0:
                                block[filled] = label
                                same = same and label == block[0]
                                filled += 1
                if filled == 0:
                    coarse[z, y, x] = 0
                elif same:
                    coarse[z, y, x] = block[0]
                else:
                    coarse[z, y, x] = _most_frequent(block, filled)


@numba.njit(nogil=True, cache=True)
def _most_frequent(block, filled):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    best = block[0]
    most = 0
    for i in range(filled):
        count = 0
        for j in range(i, filled):
            if block[j] == block[i]:
                count += 1
        if count > most:
            most = count
            best = block[i]
    return best
