"""Make the voxels of a coarser level from those of the finer one.

Blocks at the far faces hold what is left of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import grid_shape
from voxlake.ngff.grid.reduction import Reduction, check_factors
from voxlake.ngff.memory.strided import rows_of

if TYPE_CHECKING:
    import numpy.typing as npt


def downsample(
    voxels: npt.NDArray[Any], factors: tuple[int, ...], reduction: Reduction
) -> npt.NDArray[Any]:
    """Return `voxels` reduced by `factors`, one for each axis, the last three spatial.

    Raises
    ------
    InvalidInputError
        If a factor is below 1, reduces an axis that is not spatial, or a block is too large.

    Examples
    --------
    >>> downsample(np.array([[[1, 2, 7]]], np.uint8), (1, 1, 2), Reduction.MEAN)
    array([[[2, 7]]], dtype=uint8)
    >>> downsample(np.array([[[0, 5, 0]]], np.uint64), (1, 1, 3), Reduction.MODE)
    array([[[5]]], dtype=uint64)
    """
    check_factors(factors)
    shape = grid_shape(voxels.shape, factors)
    result = np.empty(shape, voxels.dtype)
    source = np.ascontiguousarray(voxels).reshape(-1, *voxels.shape[-3:])
    target = result.reshape(-1, *shape[-3:])
    for fine, coarse in zip(source, target, strict=True):
        downsample_into(coarse, fine, factors[-3:], reduction)
    return result


def downsample_into(
    coarse: npt.NDArray[Any],
    fine: npt.NDArray[Any],
    factors: tuple[int, ...],
    reduction: Reduction,
) -> None:
    """Reduce (z, y, x) `fine` into `coarse`; both have contiguous rows, `factors` are checked."""
    # Imports the compiler, which planning does without.
    from voxlake.compute.passes import reduce_kernels as kernels

    reduce = {
        Reduction.MEAN: kernels.mean_float if fine.dtype.kind == "f" else kernels.mean,
        Reduction.MODE: kernels.mode,
        Reduction.MIN: kernels.lowest,
        Reduction.MAX: kernels.highest,
        Reduction.STRIDE: kernels.first,
    }[reduction]
    reduce(rows_of(fine), rows_of(coarse), factors)
