"""Sweeping: segments and manifests that nothing needs any more are deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.segments import publishing
from voxlake.ngff.labels.segments.manifest import manifest_numbers, manifest_url, read_manifest
from voxlake.ngff.labels.upkeep.marker import list_markers
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

KEPT_MANIFESTS = 8
"""Newest manifests that are kept with their segments, for queries that began with one of them."""

_JOB = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_SEGMENT = re.compile(rf"({_JOB.pattern})(?:\.boxes|(?:\.cover)?\.parquet)")


def sweep_segments(index_url: StoreURL) -> int:
    """Delete all but the newest manifests, and old segments that none of them names; count objects.

    Young segments stay, because a compaction may be about to put them in force, and all of them
    while a bulk job runs. So does the scratch of a job that has a mark.

    Raises
    ------
    CorruptDataError
        If one of the newest manifests is damaged: what it names is not known.
    StoreError
        If the store fails.
    """
    # Segments first: what is put in force after this listing is young, or in a manifest listed
    # next.
    _, names = store.list_children(index_url / "runs")
    if any(marker.cell is None for marker in list_markers(index_url)):
        names = []  # A bulk job may put in force what it wrote days ago.
    numbers = manifest_numbers(index_url)
    kept, old = numbers[-KEPT_MANIFESTS:], numbers[:-KEPT_MANIFESTS]
    try:
        named = {ulid for number in kept for ulid in _named(index_url, number)}
    except ObjectNotFoundError:
        return 0  # Another process sweeps at this moment.
    gone = [index_url / "runs" / name for name in names if _is_leftover(name, named)]
    gone += [manifest_url(index_url, number) for number in old]
    for url in gone:
        store.delete(url)
    return len(gone) + _delete_dead_scratch(index_url)


def _delete_dead_scratch(index_url: StoreURL) -> int:
    """Delete what jobs left that are over: they have no mark, and began long ago."""
    jobs, _ = store.list_children(building_url(index_url))
    marked = {marker.ulid for marker in list_markers(index_url) if marker.cell is None}
    count = 0
    for job in jobs:
        if job not in marked and _is_old_job(job):
            count += sum(1 for _ in store.walk(building_url(index_url) / job))
            store.delete_tree(building_url(index_url) / job)
    return count


def _is_old_job(name: str) -> bool:
    return _JOB.fullmatch(name) is not None and publishing.is_older(name, publishing.SWEEP_AGE_S)


def _named(index_url: StoreURL, number: int) -> set[str]:
    manifest = read_manifest(index_url, number)
    return {segment.cover for segment in manifest.segments} | {
        part.ulid for segment in manifest.segments for part in segment.parts
    }


def _is_leftover(name: str, named: set[str]) -> bool:
    match = _SEGMENT.fullmatch(name)
    return (
        match is not None
        and match[1] not in named
        and publishing.is_older(match[1], publishing.SWEEP_AGE_S)
    )
