"""Which voxels of a dataset's levels are in a part of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.pyramid import inner_box
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError

if TYPE_CHECKING:
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.portion import Portion

type Shape = tuple[int, ...]


def check_portion(portion: Portion, dataset: Dataset, shape: Shape) -> None:
    """Raise an error unless there is such a part of a dataset, whose level 0 has a `shape`.

    Raises
    ------
    InvalidInputError
        If there is no such axis, or one is named twice.
    OutOfBoundsError
        If there is no such level, or the box is empty or not inside the dataset.
    """
    dataset.level_url(portion.finest)
    finest_box(portion, dataset.multiscale.axis_names, shape)


def finest_box(portion: Portion, axes: tuple[str, ...], shape: Shape) -> Box:
    """Return the box of level 0, which has `axes` and a `shape`, that a part of it is in.

    Raises
    ------
    InvalidInputError
        If there is no such axis, or one is named twice.
    OutOfBoundsError
        If the box is empty, or not inside the dataset.

    Examples
    --------
    >>> from voxlake.platform.portion import Portion
    >>> finest_box(Portion(0, (("x", 8, 16),)), ("z", "y", "x"), (32, 32, 32))
    Box(start=(0, 0, 8), stop=(32, 32, 16))
    """
    ends = {axis: (start, stop) for axis, start, stop in portion.box}
    if len(ends) < len(portion.box) or ends.keys() - set(axes):
        raise InvalidInputError(
            f"a part of {portion} was asked for; name each of the axes {', '.join(axes)} once, or "
            "leave it out"
        )
    spans = [ends.get(axis, (0, extent)) for axis, extent in zip(axes, shape, strict=True)]
    if any(not 0 <= lo < hi <= n for (lo, hi), n in zip(spans, shape, strict=True)):
        whole = ", ".join(f"{axis}=0:{n}" for axis, n in zip(axes, shape, strict=True))
        raise OutOfBoundsError(f"a part of {portion} was asked for; there are voxels {whole}")
    return Box(tuple(lo for lo, _ in spans), tuple(hi for _, hi in spans))


def box_at_level(box: Box, factors: tuple[int, ...], finest: Shape, shape: Shape) -> Box | None:
    """Return the voxels of a level that are made of voxels in a box of level 0 alone.

    None if nobody can tell: the level is not made of whole blocks.

    Parameters
    ----------
    box
        Voxels of level 0.
    factors
        Voxels of level 0 along each axis of a block that one voxel of the level is made of.
    finest, shape
        Shapes of level 0 and of the level.
    """
    blocks = zip(finest, factors, shape, strict=True)
    if any(n not in {extent // f, -(-extent // f)} for extent, f, n in blocks):
        return None
    return inner_box(box, factors, finest) & Box.of_shape(shape)
