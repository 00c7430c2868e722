"""Answers as Arrow, which pandas, polars and DuckDB read without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.ngff.columns import arrow_column
from voxlake.ngff.labels.mapping.table import PAIRS_SCHEMA
from voxlake.ngff.labels.table import UNKNOWN
from voxlake.ngff.memory.columns import BOX
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from voxlake.ngff.labels.mapping.table import Pairs
    from voxlake.ngff.labels.queries.in_box import LabelsInBox
    from voxlake.ngff.labels.queries.sparse_volume import Runs
    from voxlake.ngff.labels.table import LabelTable

LABELS_SCHEMA = pa.schema(
    [
        pa.field("label", pa.uint64(), nullable=False),
        pa.field("voxels", pa.uint64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in BOX),
        pa.field("chunks", pa.int64()),
        pa.field("shards", pa.int64()),
    ]
)
"""One row a label: id, voxels, tight half-open box, chunks and shards that hold some of it.

The last two are null where they are not known, of bodies of several supervoxels.
"""

COUNTS_SCHEMA = pa.schema([LABELS_SCHEMA.field("label"), LABELS_SCHEMA.field("voxels")])
"""One row a label of a box: id, voxels in the box."""

RUNS_SCHEMA = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("z", "y", "x", "length")]
)
"""One row a run along x: its first voxel, and its voxels."""


def labels_to_arrow(table: LabelTable) -> pa.Table:
    """Return labels as an Arrow table of `LABELS_SCHEMA`, in the same order."""
    columns = [table.labels, table.voxels, *table.start.T, *table.stop.T]
    counts = [arrow_column(each, each == UNKNOWN) for each in (table.chunks, table.shards)]
    return pa.table([*map(arrow_column, columns), *counts], schema=LABELS_SCHEMA)


def counts_to_arrow(found: LabelsInBox) -> pa.Table:
    """Return the labels of a box as an Arrow table of `COUNTS_SCHEMA`, ascending by label.

    Raises
    ------
    InvalidInputError
        If they were asked for without counts.
    """
    if found.voxels is None:
        raise InvalidInputError(
            "labels of a box were asked for without counts; ask with counts=True"
        )
    return pa.table([arrow_column(found.labels), arrow_column(found.voxels)], schema=COUNTS_SCHEMA)


def in_box_to_arrow(found: LabelsInBox) -> pa.Table:
    """Return the labels of a box as an Arrow table: `COUNTS_SCHEMA` if they were counted."""
    if found.voxels is not None:
        return counts_to_arrow(found)
    return pa.table([arrow_column(found.labels)], schema=pa.schema([COUNTS_SCHEMA.field("label")]))


def places_to_arrow(
    places: npt.NDArray[np.int64], labels: npt.NDArray[np.uint64] | None = None
) -> pa.Table:
    """Return (n, 3) voxels or cells as an Arrow table: z, y, x, and the label at each if given."""
    fields = [RUNS_SCHEMA.field(name) for name in ("z", "y", "x")]
    columns = [arrow_column(column) for column in places.T]
    if labels is not None:
        fields.append(LABELS_SCHEMA.field("label"))
        columns.append(arrow_column(labels))
    return pa.table(columns, schema=pa.schema(fields))


def pairs_to_arrow(pairs: Pairs) -> pa.Table:
    """Return supervoxels and their bodies as an Arrow table of `PAIRS_SCHEMA`."""
    columns = [arrow_column(pairs.supervoxels), arrow_column(pairs.bodies)]
    return pa.table(columns, schema=PAIRS_SCHEMA)


def runs_to_arrow(runs: Iterable[Runs]) -> pa.RecordBatchReader:
    """Return runs as a stream of Arrow batches of `RUNS_SCHEMA`, made as they are read."""
    batches = (
        pa.record_batch(
            [arrow_column(column) for column in (*part.start.T, part.length)], schema=RUNS_SCHEMA
        )
        for part in runs
    )
    return pa.RecordBatchReader.from_batches(RUNS_SCHEMA, batches)
