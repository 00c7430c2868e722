"""Values to draw as black and white, of voxels of any type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def ends_of(voxels: npt.NDArray[Any]) -> tuple[float, float] | None:
    """Return the values that all voxels but the one-thousandth at each end lie between.

    Examples
    --------
    >>> import numpy as np
    >>> ends_of(np.array([4294967000, 4294967295], np.uint32))
    (4294967000, 4294967295)
    >>> ends_of(np.array([True, False]))
    (0, 1)
    >>> [round(end) for end in ends_of(np.array([0, np.nan, 1000, np.inf]))]
    [1, 999]
    """
    if voxels.dtype.kind == "b":
        return 0, 1
    finite = voxels[np.isfinite(voxels)]
    if not finite.size:
        return None
    with np.errstate(all="ignore"):
        low, high = (float(value) for value in np.percentile(finite, (0.1, 99.9)))
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    if voxels.dtype.kind in "iu":
        limits = np.iinfo(voxels.dtype)
        low, high = max(math.floor(low), limits.min), min(math.ceil(high), limits.max)
    return (low, high) if low < high else None
