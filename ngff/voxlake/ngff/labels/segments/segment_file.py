"""Files of segments: rows of many shards by label, as Parquet objects that are written once.

Columns of ``runs/<ulid>.parquet``: ``label shard voxels`` uint64, the tight half-open box
``z0 y0 x0 z1 y1 x1`` int64 in coordinates of the volume, ``chunks`` list of uint16; sorted by
label, then shard, so that any query engine finds a label by the statistics of row groups. The
footer holds, under ``voxlake``, place, checksum and labels of each row group; the manifest has
the checksum of the footer. Every flipped bit is found, whichever groups are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from ulid import ULID

from voxlake.ngff.columns import arrow_column, numpy_column
from voxlake.ngff.labels.segments.boxes import boxes_url, encode_boxes
from voxlake.ngff.labels.segments.manifest import REBUILD, SegmentFile
from voxlake.ngff.labels.segments.rows import SegmentRows, chunk_lists, join_rows, table_of_rows
from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.memory.columns import BOX, corners
from voxlake.ngff.versioned.sorted_file import (
    FileKind,
    encode_groups,
    file_url,
    footer_of,
    groups_between,
    groups_with,
    read_footer,
    read_groups,
)
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import Segment
    from voxlake.platform.store import StoreURL

_PLAIN = ("label", "shard", "voxels", *BOX)
_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.uint64(), nullable=False) for name in _PLAIN[:3]),
        *(pa.field(name, pa.int64(), nullable=False) for name in BOX),
        pa.field(
            "chunks", pa.list_(pa.field("element", pa.uint16(), nullable=False)), nullable=False
        ),
    ]
)
_COLUMNS = (*_PLAIN, "chunks.list.element")
_ZSTD_LEVEL = 1


def write_file(index_url: StoreURL, rows: SegmentRows, ulid: str | None = None) -> SegmentFile:
    """Write rows, at least one and in order, with their boxes: new objects if no name is given."""
    body = encode_file(rows)
    boxes, records = encode_boxes(table_of_rows(rows))
    ulid = ulid or str(ULID())
    store.write(file_url(index_url, ulid), body)
    store.write(boxes_url(index_url, ulid), records)
    footer, crc32 = footer_of(body)
    return SegmentFile(
        ulid=ulid,
        first=int(rows.labels[0]),
        last=int(rows.labels[-1]),
        rows=len(rows),
        bytes=len(body),
        footer=footer,
        crc32=crc32,
        boxes=boxes,
    )


def encode_file(rows: SegmentRows) -> bytes:
    """Return rows as Parquet; the same rows always give the same bytes."""
    return encode_groups(
        _table(rows),
        rows.labels,
        compression_level=_ZSTD_LEVEL,
        use_dictionary=False,
        column_encoding=dict.fromkeys(_COLUMNS, "DELTA_BINARY_PACKED"),
        write_statistics=["label"],
        store_schema=False,
    )


def _table(rows: SegmentRows) -> pa.Table:
    plain = [rows.labels, rows.shards, rows.voxels, *rows.start.T, *rows.stop.T]
    chunks = chunk_lists(rows).cast(_SCHEMA.field("chunks").type)
    columns = [*(arrow_column(column) for column in plain), chunks]
    return pa.table(columns, schema=_SCHEMA)


def _rows(table: pa.Table) -> SegmentRows:
    columns = {name: numpy_column(table[name]) for name in _PLAIN}
    lists = table["chunks"].combine_chunks()
    if not isinstance(lists, pa.ListArray):
        raise TypeError(f"a column of lists came as {type(lists)}")
    return SegmentRows(
        columns["label"],
        columns["shard"],
        columns["voxels"],
        *corners(columns),
        np.diff(numpy_column(lists.offsets)).astype(np.int64),
        numpy_column(lists.flatten()),
    )


FILES = FileKind(
    _rows,
    lambda rows: rows.nbytes,
    REBUILD,
    footers=Cached("footers of label rows"),
    groups=Cached("groups of label rows"),
)


def find_in_segment(
    index_url: StoreURL, segment: Segment, labels: npt.NDArray[np.uint64]
) -> SegmentRows:
    """Return the rows of the given labels, ascending and each once, in a segment."""
    return join_rows(
        rows for file in segment.files for rows in find_in_file(index_url, file, labels)
    )


def find_in_file(
    index_url: StoreURL, file: SegmentFile, labels: npt.NDArray[np.uint64]
) -> Iterator[SegmentRows]:
    """Yield the rows of the given labels, ascending and each once, in a file, piece by piece."""
    low = int(np.searchsorted(labels, np.uint64(file.first)))
    if low < len(labels) and int(labels[low]) <= file.last:
        groups = groups_with(read_footer(FILES, index_url, file), labels)
        for rows in read_groups(FILES, index_url, file, groups, keep=True):
            yield rows.of_labels(labels)


def rows_between(
    index_url: StoreURL, file: SegmentFile, first: int, last: int
) -> Iterator[SegmentRows]:
    """Yield the rows of labels from `first` to `last`, both included, of a file, piece by piece."""
    if file.first > last or file.last < first:
        return
    groups = groups_between(read_footer(FILES, index_url, file), first, last)
    for rows in read_groups(FILES, index_url, file, groups):
        inside = rows.where((rows.labels >= np.uint64(first)) & (rows.labels <= np.uint64(last)))
        if len(inside):
            yield inside
