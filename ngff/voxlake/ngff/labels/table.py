"""Tables: the rows of the index merged to one line per label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.memory.columns import LabelColumns, joined, merged, no_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

UNKNOWN = -1
"""Chunks or shards that are not counted: those of a body of several supervoxels, in tables."""


@dataclass(frozen=True, slots=True)
class LabelExtent:
    """Where one label is, and how large."""

    label: int
    voxels: int
    """Voxels that have the label."""
    box: Box
    """The smallest box around them."""
    chunks: int
    """Chunks that hold some of them."""
    shards: int
    """Shards that hold some of them."""

    def __add__(self, other: LabelExtent) -> LabelExtent:
        """Return what is so of the voxels of both: of one label, in different shards."""
        return LabelExtent(
            self.label,
            self.voxels + other.voxels,
            self.box | other.box,
            self.chunks + other.chunks,
            self.shards + other.shards,
        )


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable(LabelColumns):
    """One line per label, ascending; the background 0 has none."""

    voxels: npt.NDArray[np.uint64]
    """(n,) voxels of the label."""
    start: npt.NDArray[np.int64]
    """(n, 3) first z, y, x of the label."""
    stop: npt.NDArray[np.int64]
    """(n, 3) one past its last z, y, x."""
    chunks: npt.NDArray[np.int64]
    """(n,) chunks that hold some of the label; `UNKNOWN` where they are not counted."""
    shards: npt.NDArray[np.int64]
    """(n,) shards that hold some of the label; `UNKNOWN` where they are not counted."""

    def extent(self, line: int) -> LabelExtent:
        """Return one line."""
        z0, y0, x0 = self.start[line].tolist()
        z1, y1, x1 = self.stop[line].tolist()
        return LabelExtent(
            label=int(self.labels[line]),
            voxels=int(self.voxels[line]),
            box=Box((z0, y0, x0), (z1, y1, x1)),
            chunks=int(self.chunks[line]),
            shards=int(self.shards[line]),
        )

    def largest(self, count: int) -> LabelTable:
        """Return the `count` labels of most voxels, most first; the smaller id of equals."""
        # Sorting the complement, because uint64 cannot be negated.
        return self.take(np.argsort(~self.voxels, kind="stable")[:count])


def merge_tables(tables: Iterable[LabelTable]) -> LabelTable:
    """Return the labels of all of several disjoint shards."""
    return merged(joined([EMPTY, *tables]))


EMPTY = no_lines(LabelTable, "u8", "u8", "3i8", "3i8", "i8", "i8")
