"""Follow writes: queue a job for each dataset whose coarser levels are behind level 0."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.downsample import DOWNSAMPLE, start_downsample
from voxlake.ngff.lake import lies_elsewhere, place_of
from voxlake.ngff.metadata.reading import is_ours
from voxlake.ngff.stale import list_marks
from voxlake.platform.catalog import DatasetState
from voxlake.platform.database import now
from voxlake.platform.errors import UNREADABLE
from voxlake.platform.jobs.record import UNFINISHED, JobState

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.jobs.record import Job


_FAILED = frozenset({JobState.FAILED, JobState.DEGRADED})
_RESTS = timedelta(minutes=10)
"""How long a job that failed is left alone: what made it fail may be mended by then."""


def queue_stale(workspace: Workspace) -> list[Job]:
    """Queue a downsample of what is stale in each dataset: of each a document and a listing.

    Left out is one that has such a job already, which waits or runs; one that failed is queued
    again once it has rested. One that is damaged holds up no other.

    Raises
    ------
    StoreError
        If the store or the catalog fails.
    """
    queued: list[Job] = []
    for record in workspace.catalog.list_datasets():
        with suppress(*UNREADABLE):  # fsck tells of it
            if _is_stale(workspace, record) and (job := _next_job(workspace, record)) is not None:
                queued.append(workspace.catalog.ledger.enqueue(job.id))
    return queued


def _is_stale(workspace: Workspace, record: DatasetRecord) -> bool:
    if record.state is not DatasetState.READY or lies_elsewhere(record):
        return False
    dataset = workspace.dataset(place_of(record))
    return bool(list_marks(dataset.level_url(0))) and is_ours(dataset.url)


def _next_job(workspace: Workspace, record: DatasetRecord) -> Job | None:
    """Return the job that is to be queued for a dataset; None if one is at it, or rests."""
    ledger = workspace.catalog.ledger
    unfinished = ledger.jobs_of(record.name, kind=DOWNSAMPLE.name, states=UNFINISHED)
    if not unfinished:
        return start_downsample(workspace, record.name, stale=True)
    if all(_has_rested(job) for job in unfinished):
        return unfinished[0]
    return None


def _has_rested(job: Job) -> bool:
    return job.state in _FAILED and now() - job.updated_at > _RESTS
