"""Segments of objects: sorted files with a row for each id; of several rows the newest counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from ulid import ULID

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.objects.label_object import SCHEMA
from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned import sorted_file
from voxlake.ngff.versioned.document import Document
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
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from voxlake.platform.store import StoreURL

_ZSTD_LEVEL = 3
FILES = FileKind(
    lambda table: table.cast(SCHEMA).combine_chunks(),
    lambda table: table.nbytes,
    "restore it from a copy of the store",
    footers=Cached("footers of objects"),
    groups=Cached("groups of objects"),
)


class Segment(Document):
    """What a manifest says of one segment: a `SortedFile` of objects."""

    ulid: str = Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")
    rows: int = Field(ge=1)
    bytes: int = Field(ge=1)
    """Size of the file."""
    footer: int = Field(ge=1)
    """Bytes at the end of the file that say where everything lies."""
    crc32: int
    """Checksum of the footer."""
    first: int = Field(ge=1, le=MAX_LABEL)
    """Smallest id."""
    last: int = Field(ge=1, le=MAX_LABEL)
    """Largest id."""


def write_segment(objects_url: StoreURL, table: pa.Table) -> Segment:
    """Write rows of `SCHEMA`, at least one, sorted by id and each id once, as a new segment."""
    body = _encode(table)
    footer, crc32 = footer_of(body)
    ids = table["id"].to_numpy()
    segment = Segment(
        ulid=str(ULID()),
        rows=len(table),
        bytes=len(body),
        footer=footer,
        crc32=crc32,
        first=int(ids[0]),
        last=int(ids[-1]),
    )
    store.write(file_url(objects_url, segment.ulid), body)
    return segment


def read_between(objects_url: StoreURL, segment: Segment, low: int, high: int) -> pa.Table:
    """Return the rows of a segment with ids in ``(low, high]``.

    Raises
    ------
    ObjectNotFoundError
        If the segment is gone: a newer manifest has others in its place.
    """
    groups = groups_between(read_footer(FILES, objects_url, segment), low + 1, high)
    parts = [SCHEMA.empty_table()]
    for table in read_groups(FILES, objects_url, segment, groups, keep=True):
        ends = np.array([low, high], np.uint64)
        first, stop = np.searchsorted(table["id"].to_numpy(), ends, "right")
        parts.append(table.slice(int(first), int(stop - first)))
    return pa.concat_tables(parts)


def read_ids(objects_url: StoreURL, segment: Segment, ids: npt.NDArray[np.uint64]) -> pa.Table:
    """Return the rows of a segment with any of `ids` (n,), ascending; raises as above."""
    groups = groups_with(read_footer(FILES, objects_url, segment), ids)
    tables = (
        table.filter(pa.array(np.isin(table["id"].to_numpy(), ids)))
        for table in read_groups(FILES, objects_url, segment, groups, keep=True)
    )
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def newest_rows(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of tables, oldest first, ascending by id; of equal ids the newest."""
    rows = pa.concat_tables(tables).combine_chunks()
    ids = rows["id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    last = np.append(ordered[1:] != ordered[:-1], np.ones(min(1, len(ids)), np.bool_))
    return rows.take(pa.array(order[last]))


def living(rows: pa.Table) -> pa.Table:
    """Return the rows that are not deleted."""
    return rows.filter(pc.invert(rows["deleted"]))


def scan(objects_url: StoreURL, segments: Sequence[Segment], after: int = 0) -> Iterator[pa.Table]:
    """Yield the newest rows of segments, oldest first, in tables that ascend by id.

    Deleted rows are among them. A table comes of at most one row group of each large segment, so
    memory is bounded whatever the segments hold.

    Parameters
    ----------
    after
        Only ids above it.
    """
    low = after
    while alive := [segment for segment in segments if segment.last > low]:
        high = min(_bound(objects_url, segment, low) for segment in alive)
        begun = [segment for segment in alive if segment.first <= high]
        if begun:
            yield newest_rows([read_between(objects_url, segment, low, high) for segment in begun])
        low = high


def _bound(objects_url: StoreURL, segment: Segment, low: int) -> int:
    """Return up to which id above `low` a segment is read at once."""
    if segment.rows <= sorted_file.GROUP_ROWS:
        return MAX_LABEL
    if segment.first > low + 1:
        return segment.first - 1
    groups = read_footer(FILES, objects_url, segment).groups
    return next(group.last for group in groups if group.last > low)


def _encode(table: pa.Table) -> bytes:
    return encode_groups(
        table,
        table["id"].to_numpy(),
        compression_level=_ZSTD_LEVEL,
        use_dictionary=["type", "author", "status", "key_values.key_value.key"],
        column_encoding={"id": "DELTA_BINARY_PACKED"},
        write_statistics=["id"],
    )
