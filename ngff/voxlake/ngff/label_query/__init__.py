"""Queries that read voxels of a label: sparse volumes, masks, points; and its chunks by number.

What is said of a shard is true of one state that it had during the call, whether its sidecar is
true, stale or missing. Which shards are asked, in a box of many, is what `chunks_of` says: exact
but for shards that programs wrote that mark nothing, until the next audit. Only chunks that hold
the label are read.
"""

from voxlake.ngff.label_query.arrow import (
    COUNTS_SCHEMA,
    LABELS_SCHEMA,
    RUNS_SCHEMA,
    counts_to_arrow,
    labels_table,
    labels_to_arrow,
    largest,
    runs_to_arrow,
)
from voxlake.ngff.label_query.dvid import encode_blocks, encode_rles, encode_srles
from voxlake.ngff.label_query.masks import mask_of
from voxlake.ngff.label_query.morton import morton_of, morton_ranges
from voxlake.ngff.label_query.points import point_of, points_of
from voxlake.ngff.label_query.sampling import POINTS_BYTES, labels_at
from voxlake.ngff.label_query.sparse_volume import Runs, coarse_volume, sparse_volume
from voxlake.ngff.label_query.where import absent, chunks_of, extent_of

__all__ = [
    "COUNTS_SCHEMA",
    "LABELS_SCHEMA",
    "POINTS_BYTES",
    "RUNS_SCHEMA",
    "Runs",
    "absent",
    "chunks_of",
    "coarse_volume",
    "counts_to_arrow",
    "encode_blocks",
    "encode_rles",
    "encode_srles",
    "extent_of",
    "labels_at",
    "labels_table",
    "labels_to_arrow",
    "largest",
    "mask_of",
    "morton_of",
    "morton_ranges",
    "point_of",
    "points_of",
    "runs_to_arrow",
    "sparse_volume",
]
