"""Arrow tables as bodies: the IPC stream format, batch by batch."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import pyarrow as pa

from voxlake.api.formats.format import Offer
from voxlake.api.formats.negotiate import choose
from voxlake.api.http.answers.stream import StreamResponse
from voxlake.api.http.limits.budget import Budget

ARROW = Offer("arrow", "application/vnd.apache.arrow.stream")
PART_ROWS = 1 << 16
"""Rows that are encoded and sent at a time."""
TABLES = (Offer("json", "application/json"), ARROW)
"""How tables can be sent, the preferred first."""


def wants_arrow(name: str | None, accept: str | None) -> bool:
    """Return whether a client wants a table as Arrow rather than as JSON.

    Parameters
    ----------
    name, accept
        ``?format=`` and the ``Accept`` header.

    Raises
    ------
    NotAcceptableError
        If it wants neither.
    """
    return choose(name, accept, TABLES, "this list") is ARROW


def arrow_response(table: pa.Table, headers: Mapping[str, str], budget: Budget) -> StreamResponse:
    """Return the answer that carries a table as an Arrow stream."""
    parts = arrow_parts(table.to_reader(max_chunksize=PART_ROWS))
    typed = {"Content-Type": ARROW.media_type, **headers}
    return StreamResponse(parts, typed, budget, table.nbytes)


def arrow_parts(reader: pa.RecordBatchReader) -> Iterator[bytes]:
    """Yield an Arrow stream, a part for each batch: the schema is first, and an end is last.

    Examples
    --------
    >>> table = pa.table({"label": [3, 4]})
    >>> pa.ipc.open_stream(b"".join(arrow_parts(table.to_reader()))).read_all()["label"].to_pylist()
    [3, 4]
    """
    sink = io.BytesIO()
    with reader, pa.ipc.new_stream(sink, reader.schema) as writer:
        yield _taken(sink)
        for batch in reader:
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _taken(sink: io.BytesIO) -> bytes:
    """Return what was written since, and forget it."""
    body = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return body
