"""The label index, part A: one Parquet sidecar per shard, tagged with the shard's ETag.

Truth is the voxels. A sidecar is a pure function of one state of one shard and says which, so
what is out of date is seen, and never believed. Importing this package does not import numba.
"""

from voxlake.ngff.label_index.build import ShardIndexed, index_shard
from voxlake.ngff.label_index.extent import (
    LabelExtent,
    label_chunks,
    label_extent,
    list_labels,
)
from voxlake.ngff.label_index.query import LabelsInBox, labels_in_box
from voxlake.ngff.label_index.status import IndexStatus, index_status
from voxlake.ngff.label_index.table import LabelTable
from voxlake.ngff.label_index.writing import write_labels

__all__ = [
    "IndexStatus",
    "LabelExtent",
    "LabelTable",
    "LabelsInBox",
    "ShardIndexed",
    "index_shard",
    "index_status",
    "label_chunks",
    "label_extent",
    "labels_in_box",
    "list_labels",
    "write_labels",
]
