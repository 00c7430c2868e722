"""The middle slice of a dataset as a small picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.drawing.contrast import chosen_ends
from voxlake.ngff.drawing.pixels import coloured, grey
from voxlake.ngff.drawing.png import encode_png
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from voxlake.client.arrays.dataset_array import DatasetArray

PIXELS = 256
"""Of a picture along each side, at most."""
MOST_BYTES = 16 << 20
"""Voxels that are read for a picture, at most."""


def middle_png(array: DatasetArray) -> bytes | None:
    """Return the middle slice z as a PNG file; None if the smallest level is too large for one.

    Of time points and channels it is the first. It is drawn as the gateway draws pictures; of what
    is larger than a picture are so many rows and columns left out.
    """
    level = _level(array)
    box = _slice(array.axes, array.shapes[level])
    if box.size * array.dtype.itemsize > MOST_BYTES:
        return None
    plane = array.read_box(level, box).reshape(box.shape[-2:])
    steps = tuple(-(-extent // PIXELS) for extent in plane.shape)
    plane = plane[:: steps[0], :: steps[1]]
    if array.is_labels:
        return encode_png(coloured(plane))
    ends = chosen_ends(array.multiscale, array.shapes, array.dtype, array.read_box)
    return encode_png(grey(plane, ends))


def _level(array: DatasetArray) -> int:
    """Return the finest level that is no larger than the picture, or else the coarsest."""
    fit = (number for number, shape in enumerate(array.shapes) if max(shape[-2:]) <= PIXELS)
    return next(fit, len(array.shapes) - 1)


def _slice(axes: tuple[str, ...], shape: tuple[int, ...]) -> Box:
    start = [n // 2 if axis == "z" else 0 for axis, n in zip(axes, shape, strict=True)]
    start[-2:] = 0, 0
    return Box(tuple(start), (*(at + 1 for at in start[:-2]), *shape[-2:]))
