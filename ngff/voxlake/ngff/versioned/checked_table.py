"""Checked tables: Parquet objects that are read whole, with a checksum of all their values.

Parquet's own checksums cover pages and not the footer, and nothing looks at them by default.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.ngff.versioned.sorted_file import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def encode_table(
    table: pa.Table,
    checksum: int,
    encodings: Mapping[str, str],
    zstd_level: int | None = None,
    group_rows: int | None = None,
) -> bytes:
    """Return a table with its checksum as Parquet; the same values always give the same bytes."""
    body = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({"crc32": str(checksum)}),
        body,
        compression="zstd",
        compression_level=zstd_level,
        use_dictionary=False,
        column_encoding=dict(encodings),
        row_group_size=group_rows,
    )
    return body.getvalue()


def decode_table[T](
    body: bytes, convert: Callable[[pa.Table], T], checksum: Callable[[T], int]
) -> T:
    """Return what `convert` makes of a table.

    Parameters
    ----------
    checksum
        Gives the checksum of that; it was stored with the table.

    Raises
    ------
    ValueError
        If the table is damaged anywhere.
    """
    try:
        table = pq.read_table(pa.BufferReader(body))
        stored = int((table.schema.metadata or {})[b"crc32"])
        values = convert(table)
    except DAMAGED as error:
        raise ValueError(str(error)) from error
    if checksum(values) != stored:
        raise ValueError("its checksum does not hold")
    return values
