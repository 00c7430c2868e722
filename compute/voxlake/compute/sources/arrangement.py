"""From the axis order of a file to the axis order of voxlake."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.axes import AXIS_TYPES, SPATIAL
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

BY_RANK = {2: "yx", 3: "zyx", 4: "czyx", 5: "tczyx"}
"""What the axes of an array are taken for, in C order, if nothing names them."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How an array with axes in any order is shown as (t, c,) z, y, x.

    ``z`` is added where the array has none; ``t`` and ``c`` of extent 1 are left out.
    """

    stored: tuple[str, ...]
    """Names of the axes of the array."""
    stored_shape: tuple[int, ...]
    """Its extents, in that order."""

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
    known = len(set(names)) == len(names) and {"y", "x"} <= set(names) <= set(AXIS_TYPES)
    if not known or len(names) != len(shape):
        raise SourceError(
            f"{what} has the axes {', '.join(names) or 'none'} and the shape {tuple(shape)}; "
            "voxlake reads y and x with z, c or t, each at most once; store it with such axes"
        )
    if math.prod(shape) == 0:
        raise SourceError(f"{what} has the shape {tuple(shape)} and so no voxel; check the file")
    return Arrangement(tuple(names), tuple(int(n) for n in shape))


def arrange_by_rank(shape: Sequence[int], what: str, names: Sequence[str] = ()) -> Arrangement:
    """Return the arrangement of an array in C order whose axes may have `names`.

    Names that do not fit are passed over.

    Raises
    ------
    SourceError
        If it has fewer than 2 axes or more than 5, or an extent of 0.

    Examples
    --------
    >>> arrange_by_rank((3, 9, 9, 9), "it").axes
    ('c', 'z', 'y', 'x')
    """
    try:
        return arrange(names, shape, what)
    except SourceError:
        return arrange(BY_RANK.get(len(shape), ""), shape, what)
