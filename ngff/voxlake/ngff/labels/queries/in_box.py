"""Which labels are in a box: exact at every moment, reading as few voxels as can be."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box, Cell
from voxlake.ngff.labels.queries.one_state import read_tiles_of
from voxlake.ngff.labels.scan.counts import (
    NOTHING,
    Counts,
    add_counts,
    count_labels,
)
from voxlake.ngff.labels.scan.rows import check_labels, chunk_starts
from voxlake.ngff.labels.sidecars.trust import shard_etag, trusted_rows
from voxlake.ngff.memory.columns import merged
from voxlake.ngff.shards.whole import read_shard
from voxlake.platform.errors import ConflictError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.scan.rows import Rows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

ATTEMPTS = 2
"""Tries at a shard that is written while it is asked, before it is read whole."""

READ_BYTES = 32 << 20
"""Decoded voxels that each thread asks for at a time, or one chunk if that is larger."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelsInBox:
    """The labels of a box, and what it took to find them."""

    labels: npt.NDArray[np.uint64]
    """(n,) ids, ascending, without the background 0."""
    voxels: npt.NDArray[np.uint64] | None
    """(n,) how many voxels of the box have the label; None if counts were not asked."""
    chunks_read: int
    """Chunks whose voxels were read because their rows left it open, stale shards aside."""
    stale_shards: tuple[tuple[int, ...], ...]
    """Cells whose voxels were read because the sidecar is missing, damaged or out of date."""

    def page(self, after: int, most: int | None) -> tuple[LabelsInBox, int | None]:
        """Return the first `most` labels above `after`, or all, and what is `after` for the next.

        Examples
        --------
        >>> found = LabelsInBox(np.array([3, 5, 8], np.uint64), None, 0, ())
        >>> page, after = found.page(3, 1)
        >>> page.labels.tolist(), after, found.page(5, 1)[1]
        ([5], 5, None)
        """
        first = int(np.searchsorted(self.labels, np.uint64(after), "right"))
        stop = len(self.labels) if most is None else min(first + most, len(self.labels))
        voxels = None if self.voxels is None else self.voxels[first:stop]
        page = replace(self, labels=self.labels[first:stop], voxels=voxels)
        return page, int(page.labels[-1]) if stop < len(self.labels) else None

    def largest(self, count: int) -> LabelsInBox:
        """Return the `count` labels of most voxels, most first, if they were counted."""
        if self.voxels is None:
            return replace(self, labels=self.labels[:count])
        # Sorting the complement, because uint64 cannot be negated.
        lines = np.argsort(~self.voxels, kind="stable")[:count]
        return replace(self, labels=self.labels[lines], voxels=self.voxels[lines])


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """What one shard says; without counts asked, the voxels mean nothing."""

    counts: Counts
    chunks_read: int = 0
    stale: bool = False


def labels_in_box(
    volume: Volume, index_url: StoreURL, box: Box, *, counts: bool = False
) -> LabelsInBox:
    """Return the labels that have a voxel in `box`, and with `counts` how many each.

    Exact whatever the state of the index: a sidecar is used only for the bytes it was found in,
    else the voxels are. What is answered of a shard is true of one state that it had meanwhile;
    different shards may be seen at different moments.

    Raises
    ------
    OutOfBoundsError
        If the box is not inside the volume.
    """
    check_labels(volume)
    box.check_inside(volume.box, str(volume.url))
    ask = partial(_ask_shard, volume, index_url, box, counts=counts)
    chunks_read, stale = 0, list[Cell]()

    def counted() -> Iterator[Counts]:
        nonlocal chunks_read
        answers = in_parallel(ask, box.cells(volume.shard))
        for cell, answer in zip(box.cells(volume.shard), answers, strict=True):
            chunks_read += answer.chunks_read
            if answer.stale:
                stale.append(cell)
            yield answer.counts

    summed = add_counts(counted())
    voxels = summed.voxels if counts else None
    return LabelsInBox(summed.labels, voxels, chunks_read, tuple(stale))


def _ask_shard(
    volume: Volume, index_url: StoreURL, box: Box, cell: tuple[int, ...], *, counts: bool
) -> _Answer:
    shard = volume.shard_box(cell)
    inside = box & shard
    for _ in range(ATTEMPTS):
        etag = shard_etag(volume, cell)
        if etag is None:
            return _Answer(NOTHING)
        rows = trusted_rows(volume, index_url, cell, etag)
        count = partial(_count_tiles, volume, cell, etag)
        with suppress(ConflictError):  # others have written to it
            if rows is None:
                return _Answer(count(inside.tiles(volume.chunk)), stale=True)
            return _ask_rows(volume, box, cell, rows, count, counts=counts)
    voxels, _ = read_shard(volume, cell)
    return _Answer(count_labels(voxels[inside.within(shard).slices]), stale=True)


def _ask_rows(
    volume: Volume,
    box: Box,
    cell: tuple[int, ...],
    rows: Rows,
    count: Callable[[Iterable[Box]], Counts],
    *,
    counts: bool,
) -> _Answer:
    """Answer from the rows, and by `count` from the chunks whose rows leave it open."""
    sure, unsure = _decide(rows, box, faces=not counts)
    if not counts:
        # A label that is in for sure need not be found again.
        unsure &= ~np.isin(rows.labels, rows.labels[sure])
    chunks = np.unique(rows.chunks[unsure])
    # All labels of a chunk that is read are counted there, so its rows are left out.
    kept = sure & ~np.isin(rows.chunks, chunks)
    from_rows = merged(Counts(rows.labels[kept], rows.voxels[kept]))
    if not len(chunks):
        return _Answer(from_rows)
    starts = [tuple(map(int, start)) for start in chunk_starts(volume, cell, chunks)]
    tiles = (Box.of_shape(volume.chunk).shifted(start) & box for start in starts)
    return _Answer(add_counts([from_rows, count(tiles)]), len(chunks))


def _decide(
    rows: Rows, box: Box, *, faces: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return masks (n,): rows with a voxel in `box` for sure, and rows that leave it open.

    With `faces`, a row is also sure if its box lies inside `box` on two axes and one of its
    faces on the third lies inside: a tight box has a voxel on each face.
    """
    low, high = np.array(box.start), np.array(box.stop)
    meets = ((rows.start < high) & (rows.stop > low)).all(axis=1)
    inside = (rows.start >= low) & (rows.stop <= high)
    sure = inside.all(axis=1)
    if faces:
        face = ((rows.start >= low) & (rows.start < high)) | (
            (rows.stop > low) & (rows.stop <= high)
        )
        sure |= (inside.sum(axis=1) == 2) & face.all(axis=1)
    return sure, meets & ~sure


def _count_tiles(volume: Volume, cell: Cell, etag: str, tiles: Iterable[Box]) -> Counts:
    """Count the labels of disjoint boxes of at most a chunk each, of a shard in a state."""
    return add_counts(map(count_labels, read_tiles_of(volume, cell, etag, tiles, READ_BYTES)))
