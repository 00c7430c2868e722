"""Voxels as flat memory with strides: compiled loops then see rows that are contiguous for sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.lib.stride_tricks import as_strided

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

type Rows[T: np.generic] = tuple[npt.NDArray[T], int, int, int, int, int]
"""Memory from the first voxel to the last; strides of z and y, and extents of z, y, x, in voxels.

What lies between the rows is not to be touched.
"""


def rows_of(voxels: npt.NDArray[Any]) -> Rows[Any]:
    """Return (z, y, x) `voxels` as rows; they share the memory.

    Examples
    --------
    >>> import numpy as np
    >>> flat, sz, sy, nz, ny, nx = rows_of(np.arange(24).reshape(2, 3, 4)[:, 1:, 2:])
    >>> (sz, sy, nz, ny, nx), flat[sz : sz + nx]
    ((12, 4, 2, 2, 2), array([18, 19]))
    """
    size = voxels.itemsize
    if voxels.shape[2] > 1 and voxels.strides[2] != size:
        raise ValueError(f"voxels with strides {voxels.strides} have no contiguous rows")
    z, y, x = voxels.shape
    sz, sy = voxels.strides[0] // size, voxels.strides[1] // size
    flat = as_strided(voxels, ((z - 1) * sz + (y - 1) * sy + x,), (size,))
    return flat, sz, sy, z, y, x
