"""Tables: the rows of the index merged to one line per label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.ngff.labels.scan.rows import Rows


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
        box = Box(
            tuple(map(min, self.box.start, other.box.start)),
            tuple(map(max, self.box.stop, other.box.stop)),
        )
        return LabelExtent(
            self.label,
            self.voxels + other.voxels,
            box,
            self.chunks + other.chunks,
            self.shards + other.shards,
        )


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """One line per label, ascending; the background 0 has none."""

    labels: npt.NDArray[np.uint64]
    """(n,) ids."""
    voxels: npt.NDArray[np.uint64]
    """(n,) voxels of the label."""
    start: npt.NDArray[np.int64]
    """(n, 3) first z, y, x of the label."""
    stop: npt.NDArray[np.int64]
    """(n, 3) one past its last z, y, x."""
    chunks: npt.NDArray[np.int64]
    """(n,) chunks that hold some of the label."""
    shards: npt.NDArray[np.int64]
    """(n,) shards that hold some of the label."""

    def __len__(self) -> int:
        return len(self.labels)

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

    def where(self, mask: npt.NDArray[np.bool_]) -> LabelTable:
        """Return the lines that a mask (n,) selects."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def of_labels(self, labels: npt.NDArray[np.uint64]) -> LabelTable:
        """Return the lines of the given labels, ascending and each once."""
        return self.where(are_among(self.labels, labels))

    def take(self, lines: npt.NDArray[np.intp]) -> LabelTable:
        """Return the given lines, in that order."""
        return LabelTable(
            self.labels[lines],
            self.voxels[lines],
            self.start[lines],
            self.stop[lines],
            self.chunks[lines],
            self.shards[lines],
        )

    def largest(self, count: int) -> LabelTable:
        """Return the `count` labels of most voxels, most first; the smaller id of equals."""
        # Sorting the complement, because uint64 cannot be negated.
        return self.take(np.argsort(~self.voxels, kind="stable")[:count])


def table_of_shard(rows: Rows) -> LabelTable:
    """Return the labels of one shard."""
    one = np.ones(len(rows), np.int64)
    merged = _merge(LabelTable(rows.labels, rows.voxels, rows.start, rows.stop, one, one))
    return LabelTable(
        merged.labels,
        merged.voxels,
        merged.start,
        merged.stop,
        merged.chunks,
        np.ones(len(merged), np.int64),
    )


def merge_tables(tables: Iterable[LabelTable]) -> LabelTable:
    """Return the labels of all of several disjoint shards."""
    parts = [EMPTY, *tables]
    return _merge(
        LabelTable(
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.voxels for part in parts]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.stop for part in parts]),
            np.concatenate([part.chunks for part in parts]),
            np.concatenate([part.shards for part in parts]),
        )
    )


EMPTY = LabelTable(
    np.empty(0, np.uint64),
    np.empty(0, np.uint64),
    np.empty((0, 3), np.int64),
    np.empty((0, 3), np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
)


def are_among(
    values: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Return of each of `values` (n,) whether it is one of `wanted`, ascending and each once."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    return np.asarray(wanted[place] == values, np.bool_)


def _merge(table: LabelTable) -> LabelTable:
    if not (table.labels[:-1] <= table.labels[1:]).all():
        table = table.take(np.argsort(table.labels, kind="stable"))
    is_first = np.ones(len(table), np.bool_)
    np.not_equal(table.labels[1:], table.labels[:-1], out=is_first[1:])
    if is_first.all():
        return table
    first = np.flatnonzero(is_first)
    return LabelTable(
        table.labels[first],
        np.add.reduceat(table.voxels, first),
        np.minimum.reduceat(table.start, first, axis=0),
        np.maximum.reduceat(table.stop, first, axis=0),
        np.add.reduceat(table.chunks, first),
        np.add.reduceat(table.shards, first),
    )
