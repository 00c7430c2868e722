"""Which values of an image are drawn as black and as white. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from voxlake.ngff.metadata.channels import Window
    from voxlake.ngff.metadata.model import Multiscale

type Ends = tuple[float, float]
"""The values that are drawn as black and as white; the first may be above the second."""

SAMPLE_VOXELS = 1 << 24
"""A level with more voxels is not read to find the range of its values."""


def chosen_ends(
    multiscale: Multiscale,
    shapes: Sequence[tuple[int, ...]],
    dtype: np.dtype[Any],
    read: Callable[[int, Box], npt.NDArray[Any]],
) -> Ends:
    """Return the ends of the first channel of an image: as its metadata say, else as voxels are.

    Parameters
    ----------
    shapes
        Of all levels.
    read
        Returns the voxels of a box of a level.
    """
    said = said_ends(multiscale, shapes[0], dtype)
    if said is not None:
        return said
    coarsest = Box.of_shape(shapes[-1])
    if not is_sampled(dtype, coarsest.size):
        return whole_range(dtype)
    return ends_of(read(len(shapes) - 1, coarsest)) or whole_range(dtype)


def said_ends(
    multiscale: Multiscale, shape: tuple[int, ...], dtype: np.dtype[Any], channel: int = 0
) -> Ends | None:
    """Return the ends of a channel that metadata (`omero`) say, as far as voxels can have them."""
    described = multiscale.channels_in(shape)
    window = described[channel].window if described else None
    return None if window is None else ends_in(window, dtype)


def is_sampled(dtype: np.dtype[Any], voxels: int) -> bool:
    """Return whether a coarsest level of so many voxels is read to find the range of its values.

    Of uint8 that is not looked for: the whole range is drawn.
    """
    return dtype != np.uint8 and voxels <= SAMPLE_VOXELS


def ends_of(voxels: npt.NDArray[Any]) -> Ends | None:
    """Return the values that all voxels but the one-thousandth at each end lie between.

    Whole numbers of integers; None of voxels that are flat, or of which none is a finite number.

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


def ends_in(window: Window, dtype: npt.DTypeLike) -> Ends | None:
    """Return the ends of a window as values of a type; None if it has none there.

    Examples
    --------
    >>> from voxlake.ngff.metadata.channels import Window
    >>> ends_in(Window(-3.5, 99.5, 0, 255), "uint8")
    (0, 100)
    >>> ends_in(Window(300, 400, 0, 4095), "uint8") is None
    True
    """
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        most = float(np.finfo(np.float32).max)
        return (window.start, window.end) if -most < window.start < window.end < most else None
    limits = np.iinfo(kind)
    low, high = max(math.floor(window.start), limits.min), min(math.ceil(window.end), limits.max)
    return (low, high) if low < high else None


def whole_range(dtype: np.dtype[Any]) -> Ends:
    """Return ends that hold all values of a type; of floating point 0 and 1."""
    if dtype.kind not in "iu":
        return 0.0, 1.0
    return float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
