"""Cancel jobs: give one up, and take back what an unfinished ingest has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.jobs.spec import IngestSpec, spec_of
from voxlake.ngff.create import list_labels
from voxlake.ngff.lake import Place, dataset_url
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs import JobState

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs import Job

_ENDED = {JobState.DONE, JobState.CANCELLED}


def cancel_job(workspace: Workspace, job_id: str) -> Job:
    """Mark a job as cancelled and return it; an ingest's dataset is removed, if it is not ready.

    The removal comes first and may be repeated, so a cancel that was cut off is cancelled again.

    Raises
    ------
    NotFoundError
        If there is no such job.
    ConflictError
        If it is done or cancelled, runs in a live process, or labels belong to its image.
    """
    ledger = workspace.catalog.ledger
    job = ledger.get_job(job_id)
    if job.state in _ENDED:
        raise ConflictError(f"job {job_id} is {job.state}; there is nothing to cancel")
    ledger.claim(job_id)
    try:
        spec = spec_of(job)
        if isinstance(spec, IngestSpec) and not _wanted(workspace, job):
            _remove_dataset(workspace, spec.place)
    except Exception as error:
        ledger.set_state(job_id, job.state, f"could not be cancelled: {error}")
        raise
    ledger.set_state(job_id, JobState.CANCELLED, "cancelled")
    return ledger.get_job(job_id)


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
        and other.state not in _ENDED
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
