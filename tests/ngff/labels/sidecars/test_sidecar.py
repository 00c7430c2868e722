"""Sidecars: round trips, a form that others read, and damage of every kind."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.ngff.labels.samples import as_tuples, bodies, new_volume

from voxlake.ngff.labels.scan.rows import find_rows
from voxlake.ngff.labels.sidecars.sidecar import Sidecar, decode, encode, origin_of
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


@pytest.fixture
def sidecar(lake: StoreURL) -> Sidecar:
    volume, voxels = new_volume(lake), bodies(2)
    rows = find_rows(volume, (1, 1, 1), voxels[volume.shard_box((1, 1, 1)).slices])
    assert len(rows) > 20
    return Sidecar(origin_of(volume, (1, 1, 1), '"an etag"'), rows)


def test_round_trip(sidecar: Sidecar) -> None:
    body = encode(sidecar)
    back = decode(body)
    assert back.origin == sidecar.origin
    assert as_tuples(back.rows) == as_tuples(sidecar.rows)
    assert encode(back) == body


def test_a_shard_without_labels_round_trips(sidecar: Sidecar) -> None:
    empty = Sidecar(sidecar.origin, sidecar.rows.take(np.arange(0)))
    assert as_tuples(decode(encode(empty)).rows) == []


def test_a_plain_parquet_reader_sees_the_documented_columns(sidecar: Sidecar) -> None:
    file = pq.ParquetFile(io.BytesIO(encode(sidecar)))
    table = file.read()
    assert {field.name: str(field.type) for field in table.schema} == {
        "label": "uint64",
        "chunk": "uint16",
        "voxels": "uint64",
        **dict.fromkeys(["z0", "y0", "x0", "z1", "y1", "x1"], "int64"),
    }
    rows = sidecar.rows
    assert table["label"].to_pylist() == rows.labels.tolist()
    assert rows.labels.max() >= 1 << 63
    assert table["y1"].to_pylist() == rows.stop[:, 1].tolist()
    group = file.metadata.row_group(0)
    for index in range(group.num_columns):
        assert "DELTA_BINARY_PACKED" in group.column(index).encodings
        assert group.column(index).compression == "ZSTD"


def test_no_flipped_bit_goes_unseen(sidecar: Sidecar) -> None:
    body = encode(sidecar)
    truth = as_tuples(sidecar.rows)
    seen = 0
    for place in range(len(body)):
        damaged = bytearray(body)
        damaged[place] ^= 1 << place % 8
        try:
            back = decode(bytes(damaged))
        except CorruptDataError:
            seen += 1
            continue
        # Bits that carry nothing, such as the name of the writing program.
        assert back.origin == sidecar.origin
        assert as_tuples(back.rows) == truth
    assert seen > len(body) // 2


@pytest.mark.parametrize("part", [0, 1, 4, 100, -1, -8, -200])
def test_a_truncated_sidecar_is_refused(sidecar: Sidecar, part: int) -> None:
    with pytest.raises(CorruptDataError, match="index the shard again"):
        decode(encode(sidecar)[:part])


def _parquet(table: pa.Table) -> bytes:
    body = io.BytesIO()
    pq.write_table(table, body)
    return body.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"garbage" * 99,
        b"PAR1" * 64,
        _parquet(pa.table({"label": [0, 1, 2]})),
        _parquet(pa.table({"label": [1]}).replace_schema_metadata({"voxlake": "{}", "crc32": "1"})),
    ],
    ids=["noise", "magic", "foreign parquet", "empty origin"],
)
def test_what_is_no_sidecar_is_refused(body: bytes) -> None:
    with pytest.raises(CorruptDataError, match="not a label index sidecar"):
        decode(body)


def test_rows_of_another_schema_are_refused(sidecar: Sidecar) -> None:
    table = pq.read_table(io.BytesIO(encode(sidecar)))
    fields = [field.with_type(pa.int64()) for field in table.schema]
    narrow = table.cast(pa.schema(fields), safe=False)
    narrow = narrow.replace_schema_metadata(table.schema.metadata)
    with pytest.raises(CorruptDataError, match="damaged"):
        decode(_parquet(narrow))
