"""Ranges of voxels, as people write them: ``0:64,:,5:6``. Pure."""

from __future__ import annotations

import re

from voxlake.ngff.grid.axes import AXIS_TYPES, SPATIAL
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError

_RANGE = re.compile(r"\s*(?:(\d{1,15})|(\d{0,15}):(\d{0,15}))\s*", re.ASCII)

type Region = Box | tuple[slice, ...] | str
"""Voxels at one level: a box, or a range for each axis: ``np.s_[0:64, :, 5:6]``, "0:64,:,5:6"."""


def parse_range(text: str) -> slice:
    """Return the range ``start:stop``, open where an end is left out; or one voxel, by its number.

    Raises
    ------
    InvalidInputError
        If it is none.

    Examples
    --------
    >>> parse_range("5:"), parse_range("5")
    (slice(5, None, None), slice(5, 6, None))
    """
    match = _RANGE.fullmatch(text)
    if not match:
        raise InvalidInputError(
            f"{text!r} is no range of voxels; write start:stop, such as 0:64, 5: or :"
        )
    one, *ends = match.groups()
    if one:
        return slice(int(one), int(one) + 1)
    return slice(*(int(end) if end else None for end in ends))


def slices_of(region: Region) -> tuple[slice, ...]:
    """Return a region as slices; an end is None where it is open.

    Raises
    ------
    InvalidInputError
        If a text is no list of ranges, or one of them steps or counts from the end.

    Examples
    --------
    >>> slices_of("0:64, :, 5:")
    (slice(0, 64, None), slice(None, None, None), slice(5, None, None))
    """
    if isinstance(region, Box):
        return region.slices
    return tuple(map(_slice, region.split(",") if isinstance(region, str) else region))


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
    ranges = _one_each(region, tuple(AXIS_TYPES)[-len(shape) :])
    return Box(
        tuple(part.start or 0 for part in ranges),
        tuple(n if part.stop is None else part.stop for part, n in zip(ranges, shape, strict=True)),
    )


def parse_box(text: str) -> Box:
    """Return the box that `text` holds: a range with both its ends for each axis.

    Raises
    ------
    InvalidInputError
        If it is not at least three ranges, or one is open or empty.

    Examples
    --------
    >>> parse_box("0:64,10:20,0:128")
    Box(start=(0, 10, 0), stop=(64, 20, 128))
    """
    ends = [(part.start, part.stop) for part in slices_of(text)]
    if len(ends) < 3 or any(lo is None or hi is None or lo >= hi for lo, hi in ends):
        raise InvalidInputError(
            f"box {text!r} is not a range for each axis; write z0:z1,y0:y1,x0:x1 such as "
            "0:64,128:192,0:512"
        )
    return Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))


def texts_of(region: Region | None, axes: tuple[str, ...] = SPATIAL) -> dict[str, str]:
    """Return the ranges of `region` of an array with `axes` as text; whole axes are left out.

    Raises
    ------
    InvalidInputError
        If there is not one range for each axis, or one steps or counts from the end.

    Examples
    --------
    >>> texts_of((slice(0, 64), slice(None), slice(5, None))), texts_of(None)
    ({'z': '0:64', 'x': '5:'}, {})
    """
    if region is None:
        return {}
    texts = (
        ":".join("" if end is None else str(end) for end in (part.start, part.stop))
        for part in _one_each(region, axes)
    )
    return {name: text for name, text in zip(axes, texts, strict=True) if text != ":"}


def _one_each(region: Region, axes: tuple[str, ...]) -> tuple[slice, ...]:
    slices = slices_of(region)
    if len(slices) != len(axes):
        raise InvalidInputError(
            f"{len(slices)} ranges were given for the axes {', '.join(axes)}; give one for each"
        )
    return slices


def _slice(part: object) -> slice:
    """Return a range; `part` is what came where one is wanted, a number say."""
    if isinstance(part, str) and ":" in part:
        return parse_range(part)
    if isinstance(part, slice) and part.step in {None, 1}:
        start, stop = part.start, part.stop
        if (start or 0) >= 0 and (stop is None or stop >= 0):
            return part
    raise InvalidInputError(
        f"{part} is no range from a first voxel to one past the last; write it like 0:64"
    )
