"""What lies inside a dataset, and who works there: asked before a job deletes or replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.lake import labels_folders, place_of
from voxlake.platform.errors import ConflictError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runner import is_running

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.ngff.lake import Place
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


def labels_below(workspace: Workspace, place: Place) -> list[str]:
    """Return the labels inside an image's group: those of the catalog, and what else lies there.

    Of an image that is registered in place they are those of the catalog: the others stay.
    """
    if place.of is not None:
        return []
    records = workspace.catalog.labels_of(place.name)
    known = {place_of(record).key.rpartition("/")[2] for record in records}
    stored = set() if place.elsewhere else set(labels_folders(workspace.lake / place.key))
    return sorted({record.name.dataset for record in records} | (stored - known))


def check_idle(workspace: Workspace, names: list[DatasetName]) -> None:
    """Raise ConflictError if a job works on one of the datasets or on labels of it, or waits to.

    A deletion of it is gone on with, and not in the way; nor is what only tells what would be done.
    """
    about = (workspace.catalog.ledger.jobs_about(name) for name in names)
    busy = {job.id: job for jobs in about for job in jobs if _is_at_work(job)}
    if busy:
        jobs = ", ".join(f"{job.kind} job {job.id} on {job.dataset}" for job in busy.values())
        raise ConflictError(
            f"{names[0]} is worked on: {jobs}; wait for it, or cancel it with: voxlake jobs cancel "
            f"{min(busy)}"
        )


def _is_at_work(job: Job) -> bool:
    waits = job.state is JobState.QUEUED and job.queued_at is not None
    return job.kind not in {"remove", "plan"} and (is_running(job) or waits)
