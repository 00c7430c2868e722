"""Follow writes: queue a job for each dataset whose coarser levels are behind level 0."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.downsample import DOWNSAMPLE, start_downsample
from voxlake.ngff.lake import lies_elsewhere, place_of
from voxlake.ngff.metadata.reading import is_ours
from voxlake.ngff.stale import list_marks
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import UNREADABLE
from voxlake.platform.jobs.record import UNFINISHED

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.jobs.record import Job


def queue_stale(workspace: Workspace) -> list[Job]:
    """Queue a downsample of what is stale in each dataset: of each a document and a listing.

    Left out is one that has such a job already, which waits, runs, or is to be resumed; and one
    that is damaged, which holds up no other.

    Raises
    ------
    StoreError
        If the store or the catalog fails.
    """
    queued: list[Job] = []
    for record in workspace.catalog.list_datasets():
        with suppress(*UNREADABLE):  # fsck tells of it
            if _is_stale(workspace, record):
                job = start_downsample(workspace, record.name, stale=True)
                queued.append(workspace.catalog.ledger.enqueue(job.id))
    return queued


def _is_stale(workspace: Workspace, record: DatasetRecord) -> bool:
    if record.state is not DatasetState.READY or lies_elsewhere(record):
        return False
    dataset = workspace.dataset(place_of(record))
    if not list_marks(dataset.level_url(0)) or not is_ours(dataset.url):
        return False
    jobs = workspace.catalog.ledger.jobs_of(record.name, kind=DOWNSAMPLE.name, states=UNFINISHED)
    return not jobs
