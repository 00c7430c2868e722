"""Extents and counts of bodies, from those of their supervoxels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.mapping.mapping import bodies_of
from voxlake.ngff.labels.scan.counts import sum_by_label
from voxlake.ngff.labels.table import UNKNOWN, LabelTable, merge_tables

if TYPE_CHECKING:
    from voxlake.ngff.labels.mapping.mapping import Mapping
    from voxlake.ngff.labels.queries.in_box import LabelsInBox


def remap(mapping: Mapping, table: LabelTable) -> LabelTable:
    """Return the bodies of a table of supervoxels: one line per body, ascending.

    Voxels are summed and the box is that around the boxes of the supervoxels: both are exact, as
    a voxel has one supervoxel. `chunks` and `shards` are exact for bodies of one supervoxel of
    the table, and `UNKNOWN` for all others, since two supervoxels may share a chunk, and counts do
    not tell. Supervoxels that are mapped to 0 have no line.
    """
    bodies = bodies_of(mapping, table.labels)
    merged = merge_tables([replace(table, labels=bodies).where(bodies != 0)])
    members = np.unique_counts(bodies[bodies != 0]).counts
    return replace(
        merged,
        chunks=np.where(members == 1, merged.chunks, UNKNOWN),
        shards=np.where(members == 1, merged.shards, UNKNOWN),
    )


def remap_box(mapping: Mapping, found: LabelsInBox) -> LabelsInBox:
    """Return the bodies of a box, from its supervoxels, with counts if those have them: exact."""
    bodies = bodies_of(mapping, found.labels)
    kept = bodies != 0
    if found.voxels is None:
        return replace(found, labels=np.unique(bodies[kept]))
    counts = sum_by_label(bodies[kept], found.voxels[kept])
    return replace(found, labels=counts.labels, voxels=counts.voxels)
