"""Sidecars: the rows of one shard as a Parquet object, tagged with what they were found in.

Columns: ``label`` uint64, ``chunk`` uint16, ``voxels`` uint64, and the tight half-open box
``z0 y0 x0 z1 y1 x1`` int64 in coordinates of the volume, so that a query engine needs no other
file to make sense of it. Sorted by label, then chunk. The file's key-value metadata holds, under
``voxlake``, the JSON of `Origin`, and under ``crc32`` the checksum of that JSON and all values.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.ngff.columns import arrow_column, numpy_column
from voxlake.ngff.labels.scan.rows import Rows
from voxlake.ngff.memory.columns import BOX, corners
from voxlake.ngff.versioned.document import Document
from voxlake.ngff.versioned.sorted_file import DAMAGED
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

_SCHEMA = pa.schema(
    [
        pa.field("label", pa.uint64(), nullable=False),
        pa.field("chunk", pa.uint16(), nullable=False),
        pa.field("voxels", pa.uint64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in BOX),
    ]
)
_ZSTD_LEVEL = 3


class Origin(Document):
    """What the rows of a sidecar were found in: one state of one shard of one array."""

    spec: Literal["voxlake-label-index/1"] = "voxlake-label-index/1"
    """Version of the sidecar's form."""
    etag: str
    """ETag of the shard whose bytes were decoded, or of a copy of it."""
    cell: tuple[int, int, int]
    """Index of the shard in the write grid."""
    shape: tuple[int, int, int]
    """Shape of the volume, in voxels along z, y, x."""
    chunk: tuple[int, int, int]
    """Voxels of a chunk."""
    shard: tuple[int, int, int]
    """Voxels of a shard."""
    content: str = ""
    """SHA-256 of all bytes of that object, in hexadecimal: a copy has another ETag (that of a file
    says when and where it was written), and the same bytes. Empty where it is not known."""
    first_etag: str = ""
    """Of a copy, the ETag of the object whose bytes were decoded; `etag` is that of the copy."""
    base: str = ""
    """Of a patch: the `etag` of the sidecar that it is of."""
    chunks: tuple[int, ...] = ()
    """Of a patch: the chunks that it has all rows of."""


@dataclass(frozen=True, slots=True, eq=False)
class Sidecar:
    """The rows of a shard, and the state of the shard that they are true of."""

    origin: Origin
    rows: Rows


def content_of(body: bytes) -> str:
    """Return the checksum by which the bytes of a shard are known again."""
    return sha256(body).hexdigest()


def origin_of(
    volume: Volume, cell: tuple[int, ...], etag: str, content: str = "", first_etag: str = ""
) -> Origin:
    """Return what a sidecar says of the shard at `cell` as of `etag`."""
    return Origin.model_validate(
        {
            "etag": etag,
            "cell": cell,
            "shape": volume.shape,
            "chunk": volume.chunk,
            "shard": volume.shard,
            "content": content,
            "first_etag": first_etag,
        }
    )


def sidecar_url(index_url: StoreURL, cell: tuple[int, ...]) -> StoreURL:
    """Return the address of the sidecar of the shard at `cell`."""
    return index_url / "shards" / f"{'.'.join(map(str, cell))}.parquet"


def encode(sidecar: Sidecar) -> bytes:
    """Return the sidecar as Parquet; the same rows always give the same bytes."""
    rows = sidecar.rows
    values = [rows.labels, rows.chunks, rows.voxels, *rows.start.T, *rows.stop.T]
    table = pa.table([arrow_column(column) for column in values], schema=_SCHEMA)
    left_out = set() if sidecar.origin.base else {"base", "chunks"}
    origin = sidecar.origin.model_dump_json(exclude=left_out).encode()
    body = io.BytesIO()
    with pq.ParquetWriter(
        body,
        _SCHEMA,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=False,
        column_encoding=dict.fromkeys(_SCHEMA.names, "DELTA_BINARY_PACKED"),
        write_statistics=["label"],
        store_schema=False,
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(
            {"voxlake": origin.decode(), "crc32": str(_checksum(origin, table))}
        )
    return body.getvalue()


def decode(body: bytes) -> Sidecar:
    """Return the sidecar that `body` encodes.

    Raises
    ------
    CorruptDataError
        If it is no sidecar, one of another version, or damaged anywhere.
    """
    try:
        # One thread: a sidecar is small, and many are asked at a time. The whole-file reader takes
        # half the time of `read_table`, which looks at it as at a dataset.
        table = pq.ParquetFile(pa.BufferReader(body)).read(use_threads=False)
        metadata = table.schema.metadata or {}
        origin = Origin.model_validate_json(metadata[b"voxlake"])
        checksum = int(metadata[b"crc32"])
    except DAMAGED as error:
        raise CorruptDataError(
            f"{len(body)} bytes are not a label index sidecar ({error}); index the shard again"
        ) from error
    table = table.replace_schema_metadata(None)
    if table.schema != _SCHEMA or _checksum(metadata[b"voxlake"], table) != checksum:
        raise CorruptDataError("a label index sidecar is damaged; index the shard again")
    return Sidecar(origin, _rows(table))


def decode_origin(body: bytes) -> tuple[Origin, int]:
    """Return what the sidecar that `body` encodes was found in, and how many rows it has.

    Whether the rows are whole is not looked at.

    Raises
    ------
    CorruptDataError
        If it is no sidecar, or one of another version.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        metadata = file.schema_arrow.metadata or {}
        return Origin.model_validate_json(metadata[b"voxlake"]), file.metadata.num_rows
    except DAMAGED as error:
        raise CorruptDataError(
            f"{len(body)} bytes are not a label index sidecar ({error}); index the shard again"
        ) from error


def _rows(table: pa.Table) -> Rows:
    columns = {name: numpy_column(table[name]) for name in _SCHEMA.names}
    return Rows(columns["label"], columns["chunk"], columns["voxels"], *corners(columns))


def _checksum(origin: bytes, table: pa.Table) -> int:
    """Return the CRC-32 of all that is stored: Parquet's own covers pages, not the footer."""
    checksum = zlib.crc32(origin)
    for column in table.columns:
        checksum = zlib.crc32(numpy_column(column), checksum)
    return checksum
