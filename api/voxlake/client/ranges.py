"""Regions, as people write them: to boxes, and to query strings. Pure."""

from __future__ import annotations

import re

from voxlake.ngff.grid.axes import AXIS_TYPES
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError

AXES = tuple(AXIS_TYPES)

type Region = Box | tuple[slice, ...] | str
"""Voxels at one level: a box, or a range for each axis: ``np.s_[0:64, :, 5:6]``, "0:64,:,5:6"."""


def box_of(region: Region | None, shape: tuple[int, ...]) -> Box:
    """Return the box that `region` of an array of `shape` is; None is all of it.

    Raises
    ------
    InvalidInputError
        If there is not one range for each axis, or one steps or counts from the end.

    Examples
    --------
    >>> import numpy as np
    >>> box_of(np.s_[:, 2:, :5], (4, 8, 16))
    Box(start=(0, 2, 0), stop=(4, 8, 5))
    """
    if region is None:
        return Box.of_shape(shape)
    if isinstance(region, Box):
        return region
    ends = _ends(slices_of(region), AXES[-len(shape) :])
    spans = [
        (start or 0, extent if stop is None else stop)
        for (start, stop), extent in zip(ends, shape, strict=True)
    ]
    return Box(tuple(lo for lo, _ in spans), tuple(hi for _, hi in spans))


def query_of(region: Region, axes: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters that ask a gateway for `region` of an array with `axes`.

    Raises
    ------
    InvalidInputError
        If there is not one range for each axis, or one steps or counts from the end.

    Examples
    --------
    >>> query_of((slice(0, 64), slice(None), slice(5, None)), ("z", "y", "x"))
    {'z': '0:64', 'x': '5:'}
    """
    ends = _ends(slices_of(region), axes)
    texts = (":".join("" if end is None else str(end) for end in both) for both in ends)
    return {name: text for name, text in zip(axes, texts, strict=True) if text != ":"}


def slices_of(region: Region) -> tuple[slice, ...]:
    """Return a region as slices.

    Raises
    ------
    InvalidInputError
        If a text is no list of ranges.

    Examples
    --------
    >>> slices_of("0:64, :, 5:")
    (slice(0, 64, None), slice(None, None, None), slice(5, None, None))
    """
    if isinstance(region, Box):
        return region.slices
    return tuple(map(_slice, region.split(","))) if isinstance(region, str) else region


def _slice(text: str) -> slice:
    match = re.fullmatch(r"\s*(\d*):(\d*)\s*", text)
    if not match:
        raise InvalidInputError(f"{text!r} is no range of voxels; write ranges like 0:64,:,5:6")
    start, stop = (int(end) if end else None for end in match.groups())
    return slice(start, stop)


def _ends(slices: tuple[object, ...], axes: tuple[str, ...]) -> list[tuple[int | None, int | None]]:
    """Return the ends of each slice; None where it is open."""
    if len(slices) != len(axes):
        raise InvalidInputError(
            f"{len(slices)} ranges were given for the axes {', '.join(axes)}; give one for each"
        )
    return [_range(part) for part in slices]


def _range(part: object) -> tuple[int | None, int | None]:
    """Return the ends of a slice; `part` is what came where one is wanted, a number say."""
    if isinstance(part, slice) and part.step in {None, 1}:
        start, stop = part.start, part.stop
        if (start or 0) >= 0 and (stop is None or stop >= 0):
            return start, stop
    raise InvalidInputError(
        f"{part} is no range from a first voxel to one past the last; write it like 0:64"
    )
