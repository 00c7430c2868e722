"""One label, several, or all of them: voxel counts, tight boxes and chunks, by what is in force.

Every query takes a view, by which it answers in the place of what is in force. That spares the
two listings by which it learns what is: a look-up is then one request. See `in_force`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.queries.hidden import Hidden, layers_of
from voxlake.ngff.labels.scan.rows import chunk_grid
from voxlake.ngff.labels.segments.reader import find_in_file
from voxlake.ngff.labels.segments.rows import SegmentRows, shard_grid, table_of_rows
from voxlake.ngff.labels.table import EMPTY, LabelExtent, LabelTable, merge_tables
from voxlake.ngff.labels.view import (
    View,
    ask_in_force,
    ask_shards,
    find_rows_in_force,
    without,
)
from voxlake.platform.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.boxes_reader import FileBoxes
    from voxlake.ngff.labels.segments.manifest import SegmentFile
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

__all__ = ["LabelExtent", "find_labels", "label_chunks", "label_extent", "list_labels"]

MAX_LABEL = (1 << 64) - 1

MERGED_LINES = 1 << 20
"""Lines that wait at least to be merged into one table when all labels are asked for."""


def label_extent(
    volume: Volume, index_url: StoreURL, label: int, *, view: View | None = None
) -> LabelExtent:
    """Return count and tight box of `label`, true of each shard as of some moment of the call.

    Reads the segments in force, and of shards that were written since the sidecars, or the voxels
    where no sidecar can be trusted. Without segments every shard is asked so. While a bulk job runs
    the answer is that of the newest manifest: `in_force` says so.

    Parameters
    ----------
    view
        What `in_force` returned, to answer by it: true of each shard as of some moment since.

    Raises
    ------
    InvalidInputError
        If no voxel can have the label: 0 is the background, and ids end at 2^64 - 1.
    NotFoundError
        If no voxel has it.
    ConflictError
        If `view` is so old that its segments were swept.
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    CorruptDataError, StoreError
        If voxels or segments that are needed do not decode, or the store fails.
    """
    check_label(label)
    found = ask_in_force(volume, index_url, lambda view: _extent(view, label), view)
    if found is None:
        raise _absent(volume, label)
    return found


def label_chunks(
    volume: Volume, index_url: StoreURL, label: int, *, view: View | None = None
) -> npt.NDArray[np.int64]:
    """Return the cells (n, 3) of the chunk grid that hold voxels of `label`, in C order.

    Cell (k, j, i) is the chunk that begins at voxel (k, j, i) times `Volume.chunk`. As exact as
    `label_extent`, and raises what that raises.
    """
    check_label(label)
    wanted = np.array([label], np.uint64)
    rows = ask_in_force(volume, index_url, lambda view: find_rows_in_force(view, wanted), view)
    if not len(rows):
        raise _absent(volume, label)
    cells = chunk_cells(volume, rows)
    return cells[np.lexsort(cells.T[::-1])]


def find_labels(
    volume: Volume,
    index_url: StoreURL,
    labels: Iterable[int] | npt.NDArray[np.uint64],
    *,
    view: View | None = None,
) -> LabelTable:
    """Return those of `labels` that some voxel has, ascending, in one pass over the index.

    Raises what `label_extent` raises, but nothing of a label that no voxel has.
    """
    wanted = _checked_labels(labels)
    return ask_in_force(volume, index_url, lambda view: merge_tables(_tables(view, wanted)), view)


def list_labels(volume: Volume, index_url: StoreURL, *, view: View | None = None) -> LabelTable:
    """Return every label with its voxel count and tight box, ascending by label.

    As exact as `label_extent`, and raises what that raises of the volume and the store.
    """
    return ask_in_force(volume, index_url, lambda view: _merged(_tables(view, None)), view)


def chunk_cells(volume: Volume, rows: SegmentRows) -> npt.NDArray[np.int64]:
    """Return the cell (m, 3) in the chunk grid of each chunk of each row, row after row."""
    shards = np.repeat(rows.shards, rows.chunk_counts).astype(np.intp)
    shard = np.stack(np.unravel_index(shards, shard_grid(volume)), axis=-1)
    chunk = np.stack(np.unravel_index(rows.chunks.astype(np.intp), chunk_grid(volume)), axis=-1)
    return np.asarray(shard * np.array(chunk_grid(volume)) + chunk, np.int64)


def check_label(label: int) -> None:
    """Refuse what no voxel can have: 0 is the background, and ids end at 2^64 - 1."""
    if not 0 < label <= MAX_LABEL:
        raise InvalidInputError(f"{label} is no label; ask for one from 1 to {MAX_LABEL}")


def _checked_labels(labels: Iterable[int] | npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return labels ascending and each once."""
    if not isinstance(labels, np.ndarray) or labels.dtype != np.uint64:
        wanted = sorted({int(label) for label in labels})
        for label in (*wanted[:1], *wanted[-1:]):
            check_label(label)
        return np.array(wanted, np.uint64)
    found = labels if (labels[1:] > labels[:-1]).all() else np.unique(labels)
    if len(found):
        check_label(int(found[0]))
    return found


def _absent(volume: Volume, label: int) -> NotFoundError:
    return NotFoundError(f"no voxel of {volume.url} has the label {label}; see the labels it has")


def _extent(view: View, label: int) -> LabelExtent | None:
    """Return what the boxes of all segments say of a label, and rows where they may be outdated."""
    found = None
    for layer in layers_of(view):
        for boxes in layer.boxes_of(label):
            one = boxes.extent(label)
            if one is not None and layer.hidden.touches(one.box):
                wanted = np.array([label], np.uint64)
                one = _only(_tables_of_rows(view, boxes.file, wanted, layer.hidden))
            found = _both(found, one)
    if view.dirty:
        found = _both(found, _only(_tables_of_dirty(view, np.array([label], np.uint64))))
    return found


def _both(one: LabelExtent | None, other: LabelExtent | None) -> LabelExtent | None:
    return other if one is None else one if other is None else one + other


def _only(tables: Iterable[LabelTable]) -> LabelExtent | None:
    """Return the one line that tables of one label add up to; None if they are empty."""
    table = merge_tables(tables)
    return table.extent(0) if len(table) else None


def _tables(view: View, labels: npt.NDArray[np.uint64] | None) -> Iterator[LabelTable]:
    """Yield what is known of the given labels, ascending, or of all, in disjoint shards."""
    for layer in layers_of(view):
        for boxes in layer.boxes:
            yield from _tables_of_file(view, boxes, layer.hidden, labels)
    yield from _tables_of_dirty(view, labels)


def _tables_of_file(
    view: View, boxes: FileBoxes, hidden: Hidden, labels: npt.NDArray[np.uint64] | None
) -> Iterator[LabelTable]:
    for table in boxes.tables() if labels is None else [boxes.table(labels)]:
        touched = hidden.touch(table.start, table.stop)
        yield table.where(~touched)
        if touched.any():
            yield from _tables_of_rows(view, boxes.file, table.labels[touched], hidden)


def _tables_of_rows(
    view: View, file: SegmentFile, labels: npt.NDArray[np.uint64], hidden: Hidden
) -> Iterator[LabelTable]:
    for rows in find_in_file(view.index_url, file, labels):
        yield table_of_rows(without(rows, hidden.shards))


def _tables_of_dirty(view: View, labels: npt.NDArray[np.uint64] | None) -> Iterator[LabelTable]:
    for rows in ask_shards(view, lambda rows: rows if labels is None else rows.of_labels(labels)):
        yield table_of_rows(rows)


def _merged(tables: Iterable[LabelTable]) -> LabelTable:
    """Return all tables merged, whenever as many lines wait as there are merged ones."""
    waiting = [EMPTY]
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) > 2 * len(waiting[0]) + MERGED_LINES:
            waiting = [merge_tables(waiting)]
    return merge_tables(waiting)
