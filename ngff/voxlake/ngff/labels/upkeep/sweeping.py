"""Sweeping: segments, manifests and scratch of jobs that nothing needs any more are deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.segments.manifest import MANIFESTS, Manifest, manifests_url
from voxlake.ngff.labels.upkeep.marker import has_bulk_job, list_markers
from voxlake.ngff.versioned import sweeping
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

_JOB = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def sweep_segments(index_url: StoreURL) -> int:
    """Delete all but the newest manifests, and old segments that none of them names; count objects.

    All segments stay while a bulk job runs: it may put in force what it wrote days ago. So does
    the scratch of a job that has a mark. Raises as `sweeping.sweep`.
    """
    swept = sweeping.sweep(
        MANIFESTS,
        manifests_url(index_url),
        index_url / "runs",
        _named,
        lambda: not has_bulk_job(index_url),
    )
    return swept + _delete_dead_scratch(index_url)


def _named(manifest: Manifest) -> set[str]:
    return {ulid for segment in manifest.segments for ulid in segment.ulids}


def _delete_dead_scratch(index_url: StoreURL) -> int:
    """Delete what jobs left that are over: they have no mark, and began long ago."""
    jobs, _ = store.list_children(building_url(index_url))
    marked = {marker.ulid for marker in list_markers(index_url) if marker.cell is None}
    count = 0
    for job in jobs:
        is_job = _JOB.fullmatch(job) is not None and job not in marked
        if is_job and sweeping.is_older(job, sweeping.SWEEP_AGE_S):
            count += sum(1 for _ in store.walk(building_url(index_url) / job))
            store.delete_tree(building_url(index_url) / job)
    return count
