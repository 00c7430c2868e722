"""Segments: immutable Parquet files of object rows, sorted by id, read a row group at a time.

The manifest knows the size of a segment and the checksum of its footer; the footer knows where row
groups lie and the ids of each; pages have checksums of their own. So a look-up needs a range
request for the footer, which is kept, and one for each row group, and damage is always seen.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID

from voxlake.ngff.labels.objects.label_object import MAX_ID, SCHEMA
from voxlake.ngff.memory.cache import Cached
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

GROUP_ROWS = 8192
"""Rows of a row group: the least that is read."""
_ZSTD_LEVEL = 3
_TAIL = 8  # Length of the footer, 4 bytes, and "PAR1".


class Segment(BaseModel):
    """What a manifest says of one segment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ulid: str = Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")
    rows: int = Field(ge=1)
    bytes: int = Field(ge=1)
    """Size of the file."""
    footer: int = Field(ge=_TAIL)
    """Bytes at the end of the file that say where everything lies."""
    crc32: int
    """Checksum of the footer."""
    first: int = Field(ge=1, le=MAX_ID)
    """Smallest id."""
    last: int = Field(ge=1, le=MAX_ID)
    """Largest id."""


@dataclass(frozen=True, slots=True)
class Group:
    """One row group of a segment."""

    first: int
    last: int
    """Smallest and largest id."""
    start: int
    stop: int
    """Its bytes in the file, half-open."""


type _Footer = tuple[pq.FileMetaData, tuple[Group, ...]]

_footers = Cached[_Footer]("footers of objects")
_groups = Cached[pa.Table]("groups of objects")


def segment_url(objects_url: StoreURL, ulid: str) -> StoreURL:
    """Return the address of a segment."""
    return objects_url / "runs" / f"{ulid}.parquet"


def write_segment(objects_url: StoreURL, table: pa.Table) -> Segment:
    """Write rows of `SCHEMA`, at least one, sorted by id and each id once, as a new segment."""
    body = _encode(table)
    footer = int.from_bytes(body[-_TAIL:-4], "little") + _TAIL
    ids = table["id"].to_numpy()
    segment = Segment(
        ulid=str(ULID()),
        rows=len(table),
        bytes=len(body),
        footer=footer,
        crc32=zlib.crc32(body[-footer:]),
        first=int(ids[0]),
        last=int(ids[-1]),
    )
    store.write(segment_url(objects_url, segment.ulid), body)
    return segment


def read_between(objects_url: StoreURL, segment: Segment, low: int, high: int) -> pa.Table:
    """Return the rows of a segment with ids in ``(low, high]``.

    Raises
    ------
    ObjectNotFoundError
        If the segment is gone: a newer manifest has others in its place.
    CorruptDataError
        If it is damaged.
    """
    parts = [SCHEMA.empty_table()]
    for number, group in enumerate(groups(objects_url, segment)):
        if group.last > low and group.first <= high:
            table = read_group(objects_url, segment, number)
            ids = table["id"].to_numpy()
            first, stop = np.searchsorted(ids, np.array([low, high], np.uint64), "right")
            parts.append(table.slice(int(first), int(stop - first)))
    return pa.concat_tables(parts)


def read_ids(objects_url: StoreURL, segment: Segment, ids: np.ndarray) -> pa.Table:
    """Return the rows of a segment with any of `ids` (n,) uint64, ascending; raises as above."""
    parts = [SCHEMA.empty_table()]
    for number, group in enumerate(groups(objects_url, segment)):
        wanted = ids[(ids >= np.uint64(group.first)) & (ids <= np.uint64(group.last))]
        if len(wanted):
            table = read_group(objects_url, segment, number)
            parts.append(table.filter(pa.array(np.isin(table["id"].to_numpy(), wanted))))
    return pa.concat_tables(parts)


def groups(objects_url: StoreURL, segment: Segment) -> tuple[Group, ...]:
    """Return the row groups of a segment, ascending by id."""
    return _footer(objects_url, segment)[1]


def read_group(objects_url: StoreURL, segment: Segment, number: int) -> pa.Table:
    """Return one row group; it is kept, for segments never change."""
    return _groups.get(
        (objects_url, segment, number),
        lambda: _read_group(objects_url, segment, number),
        lambda table: table.nbytes,
    )


def _read_group(objects_url: StoreURL, segment: Segment, number: int) -> pa.Table:
    metadata, found = _footer(objects_url, segment)
    group, url = found[number], segment_url(objects_url, segment.ulid)
    part = _Part(store.read_range(url, group.start, group.stop), group.start, segment.bytes)
    try:
        file = pq.ParquetFile(
            pa.PythonFile(part, mode="r"), metadata=metadata, page_checksum_verification=True
        )
        table: pa.Table = file.read_row_group(number).cast(SCHEMA).combine_chunks()
    # What pyarrow raises for damaged bytes is a mix of its own and of Python's errors.
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise CorruptDataError(
            f"{url} is damaged ({error}); restore it from a copy of the store"
        ) from error
    return table


def _footer(objects_url: StoreURL, segment: Segment) -> _Footer:
    return _footers.get(
        (objects_url, segment),
        lambda: _read_footer(objects_url, segment),
        # What pyarrow makes of a footer takes several times its size.
        lambda _: 4 * segment.footer,
    )


def _read_footer(objects_url: StoreURL, segment: Segment) -> _Footer:
    url = segment_url(objects_url, segment.ulid)
    tail = store.read_range(url, segment.bytes - segment.footer, segment.bytes)
    if zlib.crc32(tail) != segment.crc32:
        raise CorruptDataError(f"{url} has a damaged footer; restore it from a copy of the store")
    metadata = pq.read_metadata(pa.BufferReader(tail))
    return metadata, tuple(_group(metadata.row_group(i)) for i in range(metadata.num_row_groups))


def _group(group: pq.RowGroupMetaData) -> Group:
    columns = [group.column(i) for i in range(group.num_columns)]
    start = min(column.dictionary_page_offset or column.data_page_offset for column in columns)
    size = sum(column.total_compressed_size for column in columns)
    ids = columns[0].statistics
    if ids is None:
        raise CorruptDataError(
            "a segment tells no smallest and largest id; it is none of voxlake's"
        )
    return Group(int(ids.min or 0), int(ids.max or 0), start, start + size)


def _encode(table: pa.Table) -> bytes:
    body = io.BytesIO()
    pq.write_table(
        table,
        body,
        row_group_size=GROUP_ROWS,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        # The stubs know only a bool: https://arrow.apache.org/docs/python/parquet.html
        use_dictionary=["type", "author", "status", "key_values.key_value.key"],  # type: ignore[arg-type]
        column_encoding={"id": "DELTA_BINARY_PACKED"},
        write_statistics=["id"],
        write_page_checksum=True,
    )
    return body.getvalue()


class _Part(io.RawIOBase):
    """A file of which only one stretch was fetched."""

    def __init__(self, body: bytes, start: int, size: int) -> None:
        super().__init__()
        self._body, self._start, self._size, self._at = body, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        first = self._at - self._start
        if first < 0:
            raise ValueError(f"byte {self._at} of a segment was not fetched")
        found = self._body[first : first + size] if size >= 0 else self._body[first:]
        self._at += len(found)
        return found
