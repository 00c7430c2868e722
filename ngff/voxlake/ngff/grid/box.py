"""Boxes: half-open ranges of voxels at one level, in C order."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from voxlake.platform.errors import InvalidInputError, OutOfBoundsError

if TYPE_CHECKING:
    from collections.abc import Iterator


type Cell = tuple[int, ...]
"""Index of a cell of a grid, along each axis."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """The voxels ``[start[d], stop[d])`` for each axis d, in the axis order of the array.

    Examples
    --------
    >>> box = Box((0, 10, 10), (5, 20, 30))
    >>> box.shape
    (5, 10, 20)
    >>> box & Box((3, 0, 0), (9, 15, 15))
    Box(start=(3, 10, 10), stop=(5, 15, 15))
    """

    start: tuple[int, ...]
    """First voxel of each axis. May be negative."""
    stop: tuple[int, ...]
    """One past the last voxel of each axis; never below `start`."""

    def __post_init__(self) -> None:
        if len(self.start) != len(self.stop):
            raise InvalidInputError(
                f"box start {self.start} and stop {self.stop} differ in the number of axes"
            )
        for axis, (lo, hi) in enumerate(zip(self.start, self.stop, strict=True)):
            if lo > hi:
                raise InvalidInputError(f"box axis {axis} runs from {lo} to {hi}; swap them")

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> Self:
        """Return the box from the origin to `shape`."""
        return cls((0,) * len(shape), tuple(shape))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.start)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return tuple(hi - lo for lo, hi in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        """Voxels in all."""
        return math.prod(self.shape)

    @property
    def is_empty(self) -> bool:
        """Whether there is no voxel in the box."""
        return self.size == 0

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index of a NumPy array that begins at the origin."""
        return tuple(slice(lo, hi) for lo, hi in zip(self.start, self.stop, strict=True))

    def shifted(self, offset: tuple[int, ...]) -> Box:
        """Return the box moved by `offset` voxels."""
        return Box(_add(self.start, offset), _add(self.stop, offset))

    def within(self, outer: Box) -> Box:
        """Return the box in coordinates that begin at the start of `outer`."""
        return self.shifted(tuple(-lo for lo in outer.start))

    def contains(self, other: Box) -> bool:
        """Return whether every voxel of `other` is in this box."""
        return all(
            a <= c and d <= b
            for a, b, c, d in zip(self.start, self.stop, other.start, other.stop, strict=True)
        )

    def __and__(self, other: Box) -> Box:
        start = tuple(map(max, self.start, other.start))
        return Box(start, tuple(map(max, start, map(min, self.stop, other.stop))))

    def __or__(self, other: Box) -> Box:
        return Box(tuple(map(min, self.start, other.start)), tuple(map(max, self.stop, other.stop)))

    def cells(self, grid: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Yield the indices, in C order, of the cells of `grid` that the box touches."""
        if self.is_empty:
            return iter(())
        return itertools.product(
            *(
                range(lo // step, -(-hi // step))
                for lo, hi, step in zip(self.start, self.stop, grid, strict=True)
            )
        )

    def count_cells(self, grid: tuple[int, ...]) -> int:
        """Return how many cells of `grid` the box touches, without making any.

        Examples
        --------
        >>> Box((3, 0), (5, 9)).count_cells((4, 4)), Box((3, 0), (3, 9)).count_cells((4, 4))
        (6, 0)
        """
        return 0 if self.is_empty else math.prod(grid_shape(self.aligned(grid).shape, grid))

    def tiles(self, grid: tuple[int, ...]) -> Iterator[Box]:
        """Yield the box cut along `grid` (a shape in voxels, anchored at the origin), in C order.

        Examples
        --------
        >>> [b.start for b in Box((0,), (5,)).tiles((2,))]
        [(0,), (2,), (4,)]
        """
        for cell in self.cells(grid):
            yield cell_box(cell, grid) & self

    def aligned(self, grid: tuple[int, ...]) -> Box:
        """Return the smallest box around this one whose faces lie on `grid`."""
        return Box(
            tuple(lo // step * step for lo, step in zip(self.start, grid, strict=True)),
            tuple(-(-hi // step) * step for hi, step in zip(self.stop, grid, strict=True)),
        )

    def check_inside(self, outer: Box, what: str) -> None:
        """Raise OutOfBoundsError unless the box is inside `outer`; `what` names the latter."""
        if not outer.contains(self):
            raise OutOfBoundsError(
                f"box {self} is not inside {what}, which is {outer}; ask for voxels within it"
            )

    def __str__(self) -> str:
        ranges = (f"{lo}:{hi}" for lo, hi in zip(self.start, self.stop, strict=True))
        return f"[{', '.join(ranges)}]"


def cell_box(cell: tuple[int, ...], grid: tuple[int, ...]) -> Box:
    """Return the box of one cell of `grid`.

    Examples
    --------
    >>> cell_box((1, 0), (4, 8))
    Box(start=(4, 0), stop=(8, 8))
    """
    start = tuple(index * step for index, step in zip(cell, grid, strict=True))
    return Box(start, _add(start, grid))


def grid_shape(shape: tuple[int, ...], step: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many cells of `step` voxels cover `shape`, along each axis.

    Examples
    --------
    >>> grid_shape((10, 8), (4, 4))
    (3, 2)
    """
    return tuple(-(-n // extent) for n, extent in zip(shape, step, strict=True))


def _add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))
