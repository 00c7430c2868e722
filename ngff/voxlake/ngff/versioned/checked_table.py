"""Checked tables: Parquet objects that are read whole, with a checksum of all their values.

Parquet's own checksums cover pages and not the footer, and nothing looks at them by default.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.ngff.versioned.sorted_file import DAMAGED
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.platform.store import StoreURL


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


def read_table[T](
    url: StoreURL, convert: Callable[[pa.Table], T], checksum: Callable[[T], int], advice: str
) -> T:
    """Return what `convert` makes of the table at `url`.

    Parameters
    ----------
    checksum
        Gives the checksum of that; it was stored with the table.
    advice
        What to do about one that is damaged.

    Raises
    ------
    ObjectNotFoundError
        If there is none.
    CorruptDataError
        If the table is damaged anywhere.
    """
    body = store.read(url).body
    try:
        table = pq.read_table(pa.BufferReader(body))
        stored = int((table.schema.metadata or {})[b"crc32"])
        values = convert(table)
        if checksum(values) != stored:
            raise ValueError("its checksum does not hold")
    except DAMAGED as error:
        raise CorruptDataError(
            f"{url}, of {len(body)} bytes, is damaged ({error}); {advice}"
        ) from error
    return values
