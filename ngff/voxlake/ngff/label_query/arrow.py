"""Answers as Arrow, which pandas, polars and DuckDB read without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.ngff.label_index.extent import list_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.ngff.label_index.table import LabelTable
    from voxlake.ngff.label_query.sparse_volume import Runs
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

_BOX = ("z0", "y0", "x0", "z1", "y1", "x1")

LABELS_SCHEMA = pa.schema(
    [
        pa.field("label", pa.uint64(), nullable=False),
        pa.field("voxels", pa.uint64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in _BOX),
        pa.field("chunks", pa.int64(), nullable=False),
        pa.field("shards", pa.int64(), nullable=False),
    ]
)
"""One row a label: id, voxels, tight half-open box, chunks and shards that hold some of it."""

RUNS_SCHEMA = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("z", "y", "x", "length")]
)
"""One row a run along x: its first voxel, and its voxels."""


def labels_table(volume: Volume, index_url: StoreURL) -> pa.Table:
    """Return all labels as an Arrow table of `LABELS_SCHEMA`, ascending by label.

    Raises what `list_labels` raises.
    """
    return labels_to_arrow(list_labels(volume, index_url))


def labels_to_arrow(table: LabelTable) -> pa.Table:
    """Return labels as an Arrow table of `LABELS_SCHEMA`, in the same order."""
    columns = [
        table.labels,
        table.voxels,
        *table.start.T,
        *table.stop.T,
        table.chunks,
        table.shards,
    ]
    return pa.table([pa.array(column) for column in columns], schema=LABELS_SCHEMA)


def runs_to_arrow(runs: Iterable[Runs]) -> pa.RecordBatchReader:
    """Return runs as a stream of Arrow batches of `RUNS_SCHEMA`, made as they are read."""
    batches = (
        pa.record_batch(
            [pa.array(column) for column in (*part.start.T, part.length)], schema=RUNS_SCHEMA
        )
        for part in runs
    )
    return pa.RecordBatchReader.from_batches(RUNS_SCHEMA, batches)
