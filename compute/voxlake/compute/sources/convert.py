"""Voxels of one type as those of another: nothing is lost but what `loss_of` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    import numpy.typing as npt


def convert(
    voxels: npt.NDArray[Any], dtype: np.dtype[Any], start: tuple[int, ...], what: str
) -> npt.NDArray[Any]:
    """Return `voxels` as `dtype`.

    Integers and what becomes integers are kept exactly. Floats become shorter floats by rounding to
    the nearest, NaN and infinities as they are; none of them becomes infinite.

    Parameters
    ----------
    start
        Place of the first voxel in the source, for messages.
    what
        The source, for messages.

    Raises
    ------
    SourceError
        If a voxel cannot be kept; it names the first of these.

    Examples
    --------
    >>> convert(np.array([[7.0, -0.0]]), np.dtype("u1"), (0, 0), "it")
    array([[7, 0]], dtype=uint8)
    >>> convert(np.array([[7.0, 300.0]]), np.dtype("u1"), (40, 0), "it")
    Traceback (most recent call last):
        ...
    voxlake.platform.errors.SourceError: it has 300.0 at voxel (40, 1), which uint8 cannot hold...
    """
    if np.can_cast(voxels.dtype, dtype, "safe"):
        return voxels.astype(dtype, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        converted = voxels.astype(dtype)
        lost = _lost(voxels, converted)
    if lost.any():
        first = np.unravel_index(int(np.argmax(lost)), lost.shape)
        place = tuple(int(n) + lo for n, lo in zip(first, start, strict=True))
        raise SourceError(
            f"{what} has {voxels[first].item()!r} at voxel {place}, which {dtype} cannot hold; "
            f"{_advice(dtype)}"
        )
    return converted


def loss_of(dtype: np.dtype[Any], stored: np.dtype[Any]) -> str:
    """Return in words what voxels of `dtype` may lose as `stored`; what else they would is refused.

    Examples
    --------
    >>> loss_of(np.dtype("f8"), np.dtype("f4"))
    'rounded to 24 bits'
    >>> loss_of(np.dtype("i8"), np.dtype("u1"))
    'nothing may be lost'
    """
    if np.can_cast(dtype, stored, "safe"):
        return "exact"
    return "rounded to 24 bits" if dtype.kind == stored.kind == "f" else "nothing may be lost"


def _lost(voxels: npt.NDArray[Any], converted: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which of `voxels` are not kept by `converted`."""
    source, target = voxels.dtype.kind, converted.dtype.kind
    if source == target == "f":
        lost: npt.NDArray[np.bool_] = np.isinf(converted) & np.isfinite(voxels)
    elif source == "f":
        lost = ~(_is_inside(voxels, converted.dtype) & (np.trunc(voxels) == voxels))
    elif target == "f":
        lost = ~(_is_inside(converted, voxels.dtype) & (converted.astype(voxels.dtype) == voxels))
    else:
        bounds = np.iinfo(converted.dtype)
        lost = (voxels < int(bounds.min)) | (voxels > int(bounds.max))
    return lost


def _is_inside(voxels: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[np.bool_]:
    """Return which floats lie in the range of integers: its ends are powers of two, hence exact.

    Beyond the finite ones of float16 an end is an infinity, which is in no range of integers.
    """
    low = np.iinfo(dtype).min
    high = 2.0 ** (8 * dtype.itemsize - (low < 0))
    inside: npt.NDArray[np.bool_] = np.isfinite(voxels) & (voxels >= float(low)) & (voxels < high)
    return inside


def _advice(dtype: np.dtype[Any]) -> str:
    if dtype.name == "uint64":
        return "labels are whole numbers, 0 and above: map it to another"
    return "give another --dtype, or leave it out"
