"""Cancel jobs: give one up, and take back what an unfinished ingest has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.jobs.indexing import clear_indexing
from voxlake.compute.jobs.spec import IngestSpec, spec_of
from voxlake.ngff.create import list_labels
from voxlake.ngff.lake import Place, dataset_url
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs import ENDED, JobState, is_running

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs import Claim, Job


def cancel_job(workspace: Workspace, job_id: str) -> Job:
    """Cancel a job, or ask its runner to, and return it.

    The dataset of an ingest is removed, if it is not ready. The removal comes first and may be
    repeated, so a cancel that was cut off is cancelled again. Labels that the job indexes lose its
    mark. A job that runs is cancelled by its runner within seconds; until then its `cancel_asked`
    says so.

    Raises
    ------
    NotFoundError
        If there is no such job.
    ConflictError
        If it is done or cancelled, or labels belong to its image.
    """
    ledger = workspace.catalog.ledger
    job = ledger.get_job(job_id)
    spec = spec_of(job)
    if is_running(job) or not isinstance(spec, IngestSpec) or _wanted(workspace, job):
        job = ledger.cancel(job_id)
        if job.state is JobState.CANCELLED:
            clear_indexing(workspace, job)
        return job
    claim = ledger.claim(job_id)
    try:
        cancel_claimed(workspace, claim)
    except Exception as error:
        state = JobState.INTERRUPTED if job.state is JobState.RUNNING else job.state
        ledger.set_state(claim, state, f"could not be cancelled: {error}")
        raise
    return ledger.get_job(job_id)


def cancel_claimed(workspace: Workspace, claim: Claim) -> None:
    """Cancel a job that this process has claimed and does not work on any more."""
    job = workspace.catalog.ledger.get_job(claim.job)
    spec = spec_of(job)
    if isinstance(spec, IngestSpec) and not _wanted(workspace, job):
        _remove_dataset(workspace, spec.place)
    else:
        clear_indexing(workspace, job)
    workspace.catalog.ledger.set_state(claim, JobState.CANCELLED, "cancelled")


def _wanted(workspace: Workspace, job: Job) -> bool:
    """Return whether the dataset is ready, or another job has yet to make it so."""
    try:
        record = workspace.catalog.get_dataset(job.dataset)
    except NotFoundError:
        return True
    others = (
        other
        for other in workspace.catalog.ledger.list_jobs()
        if (other.dataset, other.kind) == (job.dataset, job.kind)
        and other.id != job.id
        and other.state not in ENDED
    )
    return record.state is DatasetState.READY or any(others)


def _remove_dataset(workspace: Workspace, place: Place) -> None:
    name = place.name
    labels = [
        str(record.name)
        for record in workspace.catalog.list_datasets(name.collection, name.experiment)
        if record.of == name.dataset
    ]
    if labels:
        raise ConflictError(f"{', '.join(labels)} belong to {name}; cancel or remove them first")
    if place.of is not None:
        list_labels(workspace.lake, place, listed=False)
    store.delete_tree(dataset_url(workspace.lake, place))
    store.delete_tree(workspace.index_url(place))
    workspace.catalog.remove_dataset(name)
