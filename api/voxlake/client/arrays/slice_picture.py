"""The middle slice of a dataset as a small picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.client.arrays.dataset_array import DatasetArray

PIXELS = 256
"""Of a picture along each side, at most."""
MOST_BYTES = 16 << 20
"""Voxels that are read for a picture, at most."""


def middle_png(array: DatasetArray) -> bytes | None:
    """Return the middle slice z as a PNG file; None if the smallest level is too large for one.

    Of time points and channels it is the first. Images are grey, from the 1st to the 99th
    percentile; labels have colours of their own.
    """
    # Takes as long to load as all else, and most of the client does without.
    from PIL import Image

    level = _level(array)
    box = _slice(array.axes, array.shapes[level])
    if box.size * array.dtype.itemsize > MOST_BYTES:
        return None
    plane = array.read_box(level, box).reshape(box.shape[-2:])
    steps = tuple(-(-extent // PIXELS) for extent in plane.shape)
    plane = plane[:: steps[0], :: steps[1]]
    file = io.BytesIO()
    Image.fromarray(coloured(plane) if array.is_labels else grey(plane)).save(file, "png")
    return file.getvalue()


def _level(array: DatasetArray) -> int:
    """Return the finest level that is no larger than the picture, or else the coarsest."""
    fit = (number for number, shape in enumerate(array.shapes) if max(shape[-2:]) <= PIXELS)
    return next(fit, len(array.shapes) - 1)


def _slice(axes: tuple[str, ...], shape: tuple[int, ...]) -> Box:
    start = [n // 2 if axis == "z" else 0 for axis, n in zip(axes, shape, strict=True)]
    start[-2:] = 0, 0
    return Box(tuple(start), (*(at + 1 for at in start[:-2]), *shape[-2:]))


def grey(plane: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return intensities (y, x) as greys; what is no number is black.

    Examples
    --------
    >>> grey(np.array([[0.0, 5.0, np.nan, 10.0]])).tolist()
    [[0, 127, 0, 255]]
    """
    values = plane.astype(np.float64)
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 0.0)
    share = (np.nan_to_num(values, nan=low) - low) / (high - low or 1.0)
    return (255 * share.clip(0, 1)).astype(np.uint8)


def coloured(plane: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return ids (y, x) as colours (y, x, 3), each its own; 0 is black."""
    mixed = plane.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    parts = [(mixed >> np.uint64(shift)) & np.uint64(0xFF) for shift in (56, 48, 40)]
    colours = np.stack(parts, axis=-1).astype(np.uint8) // 4 * 3 + 64
    colours[plane == 0] = 0
    return colours
