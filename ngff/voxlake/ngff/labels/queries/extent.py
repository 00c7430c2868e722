"""One label, several, or all: voxel counts, tight boxes and chunks, by a state of the index."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.queries.hidden import Hidden, layers_of
from voxlake.ngff.labels.scan.rows import chunk_grid
from voxlake.ngff.labels.segments.rows import SegmentRows, table_of_rows
from voxlake.ngff.labels.segments.segment_file import find_in_file
from voxlake.ngff.labels.state import ask_shards, find_rows_in_force, without
from voxlake.ngff.labels.table import EMPTY, UNKNOWN, LabelExtent, LabelTable, merge_tables
from voxlake.ngff.memory.columns import merged_all
from voxlake.platform.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.label_id import OneLabel
    from voxlake.ngff.labels.segments.boxes_reader import FileBoxes
    from voxlake.ngff.labels.segments.manifest import SegmentFile
    from voxlake.ngff.labels.state import IndexState
    from voxlake.ngff.volume import Volume


def label_extent(state: IndexState, label: int) -> LabelExtent:
    """Return what the boxes of segments say of a label; of rows, where boxes may be outdated."""
    extent = _from_boxes(state, label)
    if extent is None:
        raise absent_from(state.volume, label)
    return extent


def body_extent(state: IndexState, one: OneLabel, counted: bool) -> LabelExtent:  # noqa: FBT001
    """Return the same of a body as if its supervoxels were one label.

    Two of them may share a chunk, so that their rows are needed to count chunks and shards. These
    are `UNKNOWN` of several supervoxels unless `counted`.
    """
    if len(one.members) == 1:
        extent = _from_boxes(state, *one.members)
    else:
        extent = _from_rows(state, one) if counted else _from_tables(state, one)
    if extent is None:
        raise absent_from(state.volume, one.label)
    return replace(extent, label=one.label)


def chunks_of(state: IndexState, one: OneLabel) -> npt.NDArray[np.int64]:
    """Return the cells (n, 3) of the chunk grid that hold a label, each once, in C order."""
    rows = find_rows_in_force(state, one.wanted)
    if not len(rows):
        raise absent_from(state.volume, one.label)
    numbers = _chunk_numbers(state.volume, rows)
    cells = np.unravel_index(numbers, _whole_grid(state.volume))
    return np.stack(cells, axis=-1).astype(np.int64, copy=False)


def list_labels(state: IndexState, labels: npt.NDArray[np.uint64] | None) -> LabelTable:
    """Return those of `labels`, ascending and each once, or of all, that some voxel has."""
    return merged_all(_tables(state, labels), EMPTY)


def list_page(state: IndexState, after: int, most: int) -> LabelTable:
    """Return the first `most` labels above `after`, ascending; as `list_labels`.

    Of each file no more are read than a page has: what is in the page is among the first of its
    file, too.
    """
    pages = [
        _page_of_file(state, boxes, layer.hidden, after, most)
        for layer in layers_of(state)
        for boxes in layer.boxes
    ]
    dirty = merged_all(_tables_of_dirty(state, None), EMPTY)
    page = merge_tables([*pages, dirty.where(dirty.labels > np.uint64(after))])
    return page.take(np.arange(min(most, len(page))))


def absent_from(volume: Volume, label: int) -> NotFoundError:
    """Return the error that no voxel of a volume has a label."""
    return NotFoundError(f"no voxel of {volume.url} has the label {label}; see the labels it has")


def _chunk_numbers(volume: Volume, rows: SegmentRows) -> npt.NDArray[np.intp]:
    """Return the numbers, ascending and each once, of the chunks of rows in `_whole_grid`."""
    shards = np.repeat(rows.shards, rows.chunk_counts).astype(np.intp)
    inner = chunk_grid(volume)
    outer = np.unravel_index(shards, volume.grid)
    place = np.unravel_index(rows.chunks.astype(np.intp), inner)
    cells = tuple(o * n + i for o, n, i in zip(outer, inner, place, strict=True))
    return np.unique(np.ravel_multi_index(cells, _whole_grid(volume)))


def _whole_grid(volume: Volume) -> tuple[int, ...]:
    """Return how many chunks there are along z, y, x if all shards are whole."""
    return tuple(o * n for o, n in zip(volume.grid, chunk_grid(volume), strict=True))


def _from_boxes(state: IndexState, label: int) -> LabelExtent | None:
    """Return what the boxes of all segments say of a label, and rows where they may be outdated."""
    whole = None
    for layer in layers_of(state):
        for boxes in layer.boxes_of(label):
            one = boxes.extent(label)
            if one is not None and layer.hidden.touches(one.box):
                wanted = np.array([label], np.uint64)
                one = _only(_tables_of_rows(state, boxes.file, wanted, layer.hidden))
            whole = one if whole is None else _both(whole, one)
    if state.dirty:
        whole = _both(whole, _only(_tables_of_dirty(state, np.array([label], np.uint64))))
    return whole


def _from_rows(state: IndexState, one: OneLabel) -> LabelExtent | None:
    """Return what the rows of several labels say of them as if they were one."""
    rows = find_rows_in_force(state, one.wanted)
    if not len(rows):
        return None
    start, stop = rows.start.min(axis=0).tolist(), rows.stop.max(axis=0).tolist()
    return LabelExtent(
        label=one.label,
        voxels=int(rows.voxels.sum()),
        box=Box(tuple(start), tuple(stop)),
        chunks=len(_chunk_numbers(state.volume, rows)),
        shards=len(np.unique(rows.shards)),
    )


def _from_tables(state: IndexState, one: OneLabel) -> LabelExtent | None:
    """Return what the boxes of several labels say of them as if they were one."""
    table = list_labels(state, one.wanted)
    whole = _only([replace(table, labels=np.full(len(table), one.label, np.uint64))])
    return whole and replace(whole, chunks=UNKNOWN, shards=UNKNOWN)


def _both(one: LabelExtent | None, other: LabelExtent | None) -> LabelExtent | None:
    return other if one is None else one if other is None else one + other


def _only(tables: Iterable[LabelTable]) -> LabelExtent | None:
    """Return the one line that tables of one label add up to; None if they are empty."""
    table = merge_tables(tables)
    return table.extent(0) if len(table) else None


def _tables(state: IndexState, labels: npt.NDArray[np.uint64] | None) -> Iterator[LabelTable]:
    """Yield what is known of the given labels, ascending, or of all, in disjoint shards."""
    for layer in layers_of(state):
        for boxes in layer.boxes:
            yield from _tables_of_file(state, boxes, layer.hidden, labels)
    yield from _tables_of_dirty(state, labels)


def _tables_of_file(
    state: IndexState, boxes: FileBoxes, hidden: Hidden, labels: npt.NDArray[np.uint64] | None
) -> Iterator[LabelTable]:
    for table in boxes.tables() if labels is None else [boxes.table(labels)]:
        yield from _not_hidden(state, boxes.file, hidden, table)


def _page_of_file(
    state: IndexState, boxes: FileBoxes, hidden: Hidden, after: int, most: int
) -> LabelTable:
    """Return the first `most` labels above `after`, or some more, that a file tells of."""
    page = EMPTY
    for table in boxes.tables_above(after):
        page = merge_tables([page, *_not_hidden(state, boxes.file, hidden, table)])
        if len(page) >= most:
            break
    return page


def _not_hidden(
    state: IndexState, file: SegmentFile, hidden: Hidden, table: LabelTable
) -> Iterator[LabelTable]:
    """Yield what a table of a file says without the shards that are hidden from it."""
    touched = hidden.touch(table.start, table.stop)
    yield table.where(~touched)
    if touched.any():
        yield from _tables_of_rows(state, file, table.labels[touched], hidden)


def _tables_of_rows(
    state: IndexState, file: SegmentFile, labels: npt.NDArray[np.uint64], hidden: Hidden
) -> Iterator[LabelTable]:
    for rows in find_in_file(state.index_url, file, labels):
        yield table_of_rows(without(rows, hidden.shards))


def _tables_of_dirty(
    state: IndexState, labels: npt.NDArray[np.uint64] | None
) -> Iterator[LabelTable]:
    for rows in ask_shards(state, lambda rows: rows if labels is None else rows.of_labels(labels)):
        yield table_of_rows(rows)
