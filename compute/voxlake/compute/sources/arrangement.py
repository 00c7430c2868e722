"""From the axis order of a file to the axis order of voxlake."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.axes import AXIS_TYPES, SPATIAL
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

BY_RANK = {2: "yx", 3: "zyx", 4: "czyx", 5: "tczyx"}
"""What the axes of an array are taken for, in C order, if nothing names them."""

NAMES = {
    "t": ("t", "time", "timepoint", "frame"),
    "c": ("c", "channel", "ch", "sample"),
    "z": ("z", "depth", "slice", "section", "plane"),
    "y": ("y", "height", "row"),
    "x": ("x", "width", "column", "col"),
}
"""What inputs call the axes, in any case and number."""

FEW = 4
"""An unnamed last axis as short as that may be channels: RGB, alpha, classes of a classifier."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How an array with axes in any order is shown as (t, c,) z, y, x.

    ``z`` is added where the array has none; ``t`` and ``c`` of extent 1 are left out.
    """

    stored: tuple[str, ...]
    """Names of the axes of the array."""
    stored_shape: tuple[int, ...]
    """Its extents, in that order."""
    doubt: str = ""
    """Why it is not known which axis is which: then nothing can be read before they are named."""
    is_named: bool = True
    """Whether the input names its axes; else they are taken by their number."""

    @property
    def turned(self) -> Arrangement:
        """The arrangement of the array with its axes in the opposite order."""
        return replace(self, stored=self.stored[::-1], stored_shape=self.stored_shape[::-1])

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes that are shown."""
        extent = self._extents()
        return tuple(n for n in AXIS_TYPES if n in SPATIAL or extent.get(n, 1) > 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents of `axes`."""
        return tuple(self._extents().get(name, 1) for name in self.axes)

    def block(self, stored: Sequence[int] | None) -> tuple[int, ...]:
        """Return the block shown of a `stored` one; ones if nothing is coded in blocks.

        Examples
        --------
        >>> arrange("xyz", (9, 9, 9), "it").block((2, 3, 99))
        (9, 3, 2)
        """
        extents = dict(zip(self.stored, stored or (1,) * len(self.stored), strict=True))
        return tuple(
            min(int(extents.get(name, 1)), whole)
            for name, whole in zip(self.axes, self.shape, strict=True)
        )

    def _extents(self) -> dict[str, int]:
        return dict(zip(self.stored, self.stored_shape, strict=True))

    def stored_box(self, box: Box) -> Box:
        """Return the box of the stored array that holds `box` of what is shown."""
        ranges = dict(zip(self.axes, zip(box.start, box.stop, strict=True), strict=True))
        bounds = [ranges.get(name, (0, 1)) for name in self.stored]
        return Box(tuple(lo for lo, _ in bounds), tuple(hi for _, hi in bounds))

    def as_shown(self, voxels: np.ndarray) -> np.ndarray:
        """Return a view of stored `voxels` with the axes that are shown."""
        return _reordered(voxels, self.stored, self.axes)

    def as_stored(self, voxels: np.ndarray) -> np.ndarray:
        """Return a view of `voxels` as they are shown with the axes of the stored array."""
        return _reordered(voxels, self.axes, self.stored)


def _reordered(voxels: np.ndarray, names: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Return a view with the axes `wanted`; what only one of both names has is of extent 1."""
    kept = voxels[tuple(slice(None) if name in wanted else 0 for name in names)]
    left = [name for name in names if name in wanted]
    turned = kept.transpose([left.index(name) for name in wanted if name in left])
    return np.expand_dims(turned, tuple(n for n, name in enumerate(wanted) if name not in left))


def arrange(names: Sequence[str], shape: Sequence[int], what: str) -> Arrangement:
    """Return the arrangement of an array with axes of those `names`; `what` is for messages.

    Raises
    ------
    SourceError
        If the names are not some of t, c, z, y, x, each once, with y and x; or if an extent is 0.

    Examples
    --------
    >>> arrange("xyz", (4, 5, 6), "it").shape
    (6, 5, 4)
    """
    if not _are_axes(names) or len(names) != len(shape):
        raise SourceError(
            f"{what} has the axes {', '.join(names) or 'none'} and the shape {tuple(shape)}; "
            "voxlake reads y and x with z, c or t, each at most once; store it with such axes"
        )
    _check_extents(shape, what)
    return Arrangement(tuple(names), tuple(int(n) for n in shape))


def arrange_named(names: Sequence[object], shape: Sequence[int], what: str) -> Arrangement:
    """Return the arrangement of an array whose axes an input calls `names`, in C order.

    Without any name they are taken by their number, unless the last may be channels. Names that are
    not understood are never replaced: the arrangement is in doubt then.

    Raises
    ------
    SourceError
        If it has fewer than 2 axes, or an extent of 0.

    Examples
    --------
    >>> arrange_named(("Time", "Y", "X"), (3, 9, 9), "it").axes
    ('t', 'z', 'y', 'x')
    >>> arrange_named((), (3, 9, 9, 9), "it").axes
    ('c', 'z', 'y', 'x')
    >>> arrange_named((), (9, 9, 3), "it").doubt
    'it has the shape (9, 9, 3) and no names of axes, so that the last may be x or channels'
    """
    extents = tuple(int(n) for n in shape)
    _check_extents(extents, what)
    if not any(name not in {None, ""} for name in names):
        return _arrange_unnamed(extents, what)
    known = tuple(axis_name(name) for name in names)
    if len(known) == len(extents) and _are_axes(known):
        return Arrangement(known, extents)
    said = ", ".join("none" if name is None else repr(str(name)) for name in names)
    doubt = f"{what} names its axes {said}, which are not understood for its shape {extents}"
    return Arrangement(_placeholders(extents), extents, doubt)


def arrange_as_asked(asked: str, shape: Sequence[int], what: str) -> Arrangement:
    """Return the arrangement of an array whose axes somebody names, one letter for each.

    Axes of extent 1 may be left out.

    Raises
    ------
    SourceError
        If the letters are not some of t, c, z, y, x, each once, with y and x, or do not fit.

    Examples
    --------
    >>> arrange_as_asked("zyxc", (12, 30, 40, 3), "it").axes
    ('c', 'z', 'y', 'x')
    >>> arrange_as_asked("zyx", (1, 12, 30, 40), "it").shape
    (12, 30, 40)
    """
    extents = tuple(int(n) for n in shape)
    names = tuple(axis_name(letter) for letter in asked)
    longer = [n for n in extents if n > 1]
    if not _are_axes(names) or len(names) not in {len(extents), len(longer)}:
        raise SourceError(
            f"axes {asked!r} were given for {what}, of the shape {extents}; give one of the "
            "letters t, c, z, y, x for each, in its order, each at most once, with y and x"
        )
    if len(names) < len(extents):
        given = iter(names)
        names = tuple(
            next(given) if n > 1 else placeholder
            for n, placeholder in zip(extents, _placeholders(extents), strict=True)
        )
    return Arrangement(names, extents)


def axis_name(name: object) -> str:
    """Return the letter of an axis that an input calls `name`; the name itself if it is not known.

    Examples
    --------
    >>> axis_name("Channels"), axis_name("X"), axis_name("dim_0")
    ('c', 'x', 'dim_0')
    """
    word = str(name).strip().lower()
    for letter, names in NAMES.items():
        if word in names or word.removesuffix("s") in names:
            return letter
    return str(name)


def _check_extents(shape: Sequence[int], what: str) -> None:
    if math.prod(shape) == 0:
        raise SourceError(f"{what} has the shape {tuple(shape)} and so no voxel; check the file")
    if len(shape) < 2:
        raise SourceError(f"{what} has the shape {tuple(shape)}; an image has 2 axes or more")


def _arrange_unnamed(extents: tuple[int, ...], what: str) -> Arrangement:
    unnamed = f"{what} has the shape {extents} and no names of axes"
    if len(extents) not in BY_RANK:
        return Arrangement(_placeholders(extents), extents, f"{unnamed}, and there are too many")
    if len(extents) > 2 and extents[-1] <= FEW and extents[-1] < max(extents):
        doubt = f"{unnamed}, so that the last may be x or channels"
        return Arrangement(_placeholders(extents), extents, doubt)
    return Arrangement(tuple(BY_RANK[len(extents)]), extents, is_named=False)


def _placeholders(extents: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"axis {number}" for number in range(len(extents)))


def _are_axes(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names) and {"y", "x"} <= set(names) <= set(AXIS_TYPES)
