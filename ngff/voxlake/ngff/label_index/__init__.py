"""The label index: sidecars of shards (part A), runs by label (part B), and what keeps them true.

Truth is the voxels. A sidecar is a pure function of one state of one shard and says which, so
what is out of date is seen, and never believed. Runs hold the same by label, for the shards that
nobody has written since. Importing this package does not import numba.
"""

from voxlake.ngff.label_index.auditing import Audited, audit
from voxlake.ngff.label_index.build import ShardIndexed, index_shard
from voxlake.ngff.label_index.compaction import Compacted, compact
from voxlake.ngff.label_index.extent import (
    LabelExtent,
    find_labels,
    label_chunks,
    label_extent,
    list_labels,
)
from voxlake.ngff.label_index.query import LabelsInBox, labels_in_box
from voxlake.ngff.label_index.reservation import reserve
from voxlake.ngff.label_index.status import IndexStatus, index_status
from voxlake.ngff.label_index.table import LabelTable
from voxlake.ngff.label_index.view import View, in_force
from voxlake.ngff.label_index.writing import write_labels

__all__ = [
    "Audited",
    "Compacted",
    "IndexStatus",
    "LabelExtent",
    "LabelTable",
    "LabelsInBox",
    "ShardIndexed",
    "View",
    "audit",
    "compact",
    "find_labels",
    "in_force",
    "index_shard",
    "index_status",
    "label_chunks",
    "label_extent",
    "labels_in_box",
    "list_labels",
    "reserve",
    "write_labels",
]
