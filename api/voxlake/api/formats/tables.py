"""Formats of tables. To add one: what encodes it, and an entry in `TABLES`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.api.formats.format import Offer

if TYPE_CHECKING:
    from collections.abc import Buffer

PART_ROWS = 1 << 16
"""Rows that are encoded and sent at a time."""


@dataclass(frozen=True, slots=True)
class TableFormat(Offer):
    """One way to send a table in binary."""

    suffix: str
    """Ending of a file of this format, with its dot."""
    encode: Callable[[pa.RecordBatchReader], Iterator[bytes]]
    """Yields the parts of a body, which are made as they are taken; it closes the reader."""


def arrow_parts(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    """Yield an Arrow stream, a part for each batch: the schema is first, and an end is last.

    Examples
    --------
    >>> table = pa.table({"label": [3, 4]})
    >>> pa.ipc.open_stream(b"".join(arrow_parts(table.to_reader()))).read_all()["label"].to_pylist()
    [3, 4]
    """
    sink = _Sink()
    with reader, pa.ipc.new_stream(pa.PythonFile(sink, "w"), reader.schema) as writer:
        yield sink.taken()
        for batch in reader:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def parquet_parts(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    """Yield a Parquet file, a part for each batch, which is a row group; the footer is last.

    Examples
    --------
    >>> import pyarrow.parquet as pq
    >>> body = b"".join(parquet_parts(pa.table({"label": [3, 4]}).to_reader()))
    >>> pq.read_table(pa.BufferReader(body))["label"].to_pylist()
    [3, 4]
    """
    import pyarrow.parquet as pq

    sink = _Sink()
    file = pa.PythonFile(sink, "w")
    with reader, pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that is written from its beginning to its end, and holds what was not taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self._parts, self._size = list[bytes](), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        """Return the place in the whole file, of which footers and paddings tell."""
        return self._size

    def taken(self) -> bytes:
        body = b"".join(self._parts)
        self._parts.clear()
        return body


JSON = Offer("json", "application/json")
"""The document of the address itself, which may say more than the table does."""
ARROW = TableFormat("arrow", "application/vnd.apache.arrow.stream", ".arrows", arrow_parts)
PARQUET = TableFormat("parquet", "application/vnd.apache.parquet", ".parquet", parquet_parts)
BINARY_TABLES = (ARROW, PARQUET)
TABLES: tuple[Offer, ...] = (JSON, *BINARY_TABLES)
"""How tables can be sent, the preferred first."""
