"""Cancel jobs: give one up, and take back what it has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds import kind_of, work_of
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runner import is_running

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs.record import Claim, Job


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
    kind, work = kind_of(job), work_of(workspace, job)
    if is_running(job) or not kind.removes(work):
        job = ledger.cancel(job_id)
        if job.state is JobState.CANCELLED:
            kind.cancel(work)
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
    kind_of(job).cancel(work_of(workspace, job))
    workspace.catalog.ledger.set_state(claim, JobState.CANCELLED, "cancelled")
