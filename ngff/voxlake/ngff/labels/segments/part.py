"""Segments: rows of many shards by label, as Parquet objects that are written once.

Columns of ``runs/<ulid>.parquet``: ``label shard voxels`` uint64, the tight half-open box
``z0 y0 x0 z1 y1 x1`` int64 in coordinates of the volume, ``chunks`` list of uint16; sorted by
label, then shard, so that any query engine finds a label by the statistics of row groups. The
footer holds, under ``voxlake``, place, checksum and labels of each row group; the manifest has
the checksum of the footer. Every flipped bit is found, whichever groups are read.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError
from ulid import ULID

from voxlake.ngff.labels.segments.boxes import boxes_url, encode_boxes
from voxlake.ngff.labels.segments.manifest import Part
from voxlake.ngff.labels.segments.rows import SegmentRows, chunk_lists, table_of_rows
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.platform.store import StoreURL

GROUP_ROWS = 8192
"""Rows of a row group: what a look-up of one label decodes."""

_BOX = ("z0", "y0", "x0", "z1", "y1", "x1")
_PLAIN = ("label", "shard", "voxels", *_BOX)
_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.uint64(), nullable=False) for name in _PLAIN[:3]),
        *(pa.field(name, pa.int64(), nullable=False) for name in _BOX),
        pa.field(
            "chunks", pa.list_(pa.field("element", pa.uint16(), nullable=False)), nullable=False
        ),
    ]
)
_COLUMNS = (*_PLAIN, "chunks.list.element")
_ZSTD_LEVEL = 1
_MAGIC = b"PAR1"
# A Parquet file ends with the length of the footer, four bytes, and the magic.
_TAIL = 8


class Group(BaseModel):
    """Where one row group lies, and which labels it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    """First byte in the object."""
    bytes: int
    crc32: int
    first: int
    last: int


class _Groups(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Footer:
    """The footer of a part: all that is needed to read any of its row groups."""

    metadata: pq.FileMetaData
    groups: tuple[Group, ...]
    first: npt.NDArray[np.uint64]
    """(groups,) smallest label of each."""
    last: npt.NDArray[np.uint64]
    """(groups,) largest label of each."""


def part_url(index_url: StoreURL, ulid: str) -> StoreURL:
    """Return the address of a part of a segment."""
    return index_url / "runs" / f"{ulid}.parquet"


def write_part(index_url: StoreURL, rows: SegmentRows, ulid: str | None = None) -> Part:
    """Write rows, at least one and in order, with their boxes: new objects if no name is given."""
    body = encode_part(rows)
    boxes, records = encode_boxes(table_of_rows(rows))
    ulid = ulid or str(ULID())
    store.write(part_url(index_url, ulid), body)
    store.write(boxes_url(index_url, ulid), records)
    footer = int.from_bytes(body[-_TAIL:-4], "little") + _TAIL
    return Part(
        ulid=ulid,
        first=int(rows.labels[0]),
        last=int(rows.labels[-1]),
        rows=len(rows),
        bytes=len(body),
        footer=footer,
        crc32=zlib.crc32(body[-footer:]),
        boxes=boxes,
    )


def encode_part(rows: SegmentRows) -> bytes:
    """Return rows as Parquet; the same rows always give the same bytes."""
    table = _table(rows)
    body = io.BytesIO()
    with pq.ParquetWriter(
        body,
        _SCHEMA,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=False,
        column_encoding=dict.fromkeys(_COLUMNS, "DELTA_BINARY_PACKED"),
        write_statistics=["label"],
        store_schema=False,
    ) as writer:
        groups = []
        for first in range(0, len(rows), GROUP_ROWS):
            start = body.tell()
            writer.write_table(table.slice(first, GROUP_ROWS), row_group_size=GROUP_ROWS)
            last = min(first + GROUP_ROWS, len(rows)) - 1
            groups.append(
                Group(
                    start=start,
                    bytes=body.tell() - start,
                    crc32=zlib.crc32(body.getbuffer()[start:]),
                    first=int(rows.labels[first]),
                    last=int(rows.labels[last]),
                )
            )
        described = _Groups(groups=tuple(groups)).model_dump_json()
        writer.add_key_value_metadata({"voxlake": described})
    return body.getvalue()


def decode_footer(part: Part, body: bytes) -> Footer:
    """Return the footer of a part, given its bytes.

    Raises
    ------
    CorruptDataError
        If they are not those that were written.
    """
    if len(body) != part.footer or zlib.crc32(body) != part.crc32:
        raise _damaged(part)
    try:
        # A footer is understood without the row groups before it; a file begins with the magic.
        metadata = pq.read_metadata(pa.BufferReader(_MAGIC + body))
        described = _Groups.model_validate_json((metadata.metadata or {})[b"voxlake"])
    except (pa.ArrowException, OSError, LookupError, ValidationError) as error:
        raise _damaged(part) from error
    first = np.array([group.first for group in described.groups], np.uint64)
    last = np.array([group.last for group in described.groups], np.uint64)
    return Footer(metadata, described.groups, first, last)


def decode_group(part: Part, footer: Footer, number: int, body: memoryview) -> SegmentRows:
    """Return the rows of one row group, given its bytes.

    Raises
    ------
    CorruptDataError
        If they are not those that were written.
    """
    group = footer.groups[number]
    if len(body) != group.bytes or zlib.crc32(body) != group.crc32:
        raise _damaged(part)
    try:
        file = pq.ParquetFile(pa.PythonFile(_Window(group.start, body)), metadata=footer.metadata)
        return _rows(file.read_row_group(number, use_threads=False))
    except (pa.ArrowException, OSError, LookupError) as error:
        raise _damaged(part) from error


class _Window(io.RawIOBase):
    """A file of which only the bytes from `start` on are there."""

    def __init__(self, start: int, body: bytes | memoryview) -> None:
        self._start, self._body, self._place = start, memoryview(body), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}
        self._place = offset + base.get(whence, self._start + len(self._body))
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        first = self._place - self._start
        if first < 0:
            raise OSError(f"byte {self._place} was asked of a window from {self._start} on")
        stop = len(self._body) if size is None or size < 0 else first + size
        found = bytes(self._body[first:stop])
        self._place += len(found)
        return found


def _table(rows: SegmentRows) -> pa.Table:
    plain = [rows.labels, rows.shards, rows.voxels, *rows.start.T, *rows.stop.T]
    chunks = chunk_lists(rows).cast(_SCHEMA.field("chunks").type)
    columns = [*(pa.array(column) for column in plain), chunks]
    return pa.table(columns, schema=_SCHEMA)


def _rows(table: pa.Table) -> SegmentRows:
    columns = {name: table[name].to_numpy() for name in _PLAIN}
    start, stop = (np.stack([columns[n] for n in names], axis=-1) for names in (_BOX[:3], _BOX[3:]))
    lists = table["chunks"].combine_chunks()
    if not isinstance(lists, pa.ListArray):
        raise TypeError(f"a column of lists came as {type(lists)}")
    return SegmentRows(
        columns["label"],
        columns["shard"],
        columns["voxels"],
        start,
        stop,
        np.diff(lists.offsets.to_numpy()).astype(np.int64),
        lists.flatten().to_numpy(),
    )


def _damaged(part: Part) -> CorruptDataError:
    return CorruptDataError(
        f"the segment runs/{part.ulid}.parquet of the label index is damaged; delete the folders "
        "runs and manifest of the index, and compact it"
    )
