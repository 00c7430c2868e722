"""The jobs of a dataset that gets another name, or goes: what they say is said of it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from voxlake.platform.errors import ConflictError
from voxlake.platform.jobs.record import UNFINISHED, Job, JobState
from voxlake.platform.jobs.rows import read_jobs
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, jobs, stages

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from voxlake.platform.names import DatasetName


def jobs_about(
    connection: Connection, name: DatasetName, states: Collection[JobState] = UNFINISHED
) -> list[Job]:
    """Return the jobs on a dataset, and those that make labels of it, which it may not have yet."""
    return [
        job
        for job in read_jobs(connection, jobs.c.state.in_(sorted(states)))
        if job.dataset == name
        or (job.spec.get("of") == name.dataset and job.dataset.sibling(name.dataset) == name)
    ]


def move_history(connection: Connection, name: DatasetName, to: DatasetName) -> None:
    """Let the jobs of a dataset that is renamed go with it.

    Raises
    ------
    ConflictError
        If one of them, or one that makes labels of it, is unfinished: it knows the old name.
    """
    for job in jobs_about(connection, name):
        raise ConflictError(
            f"{job.kind} job {job.id} on {job.dataset} is {job.state}; before {name} is renamed, "
            f"wait for it, go on with it (voxlake jobs resume {job.id}) or give it up (voxlake "
            f"jobs cancel {job.id})"
        )
    connection.execute(update(jobs).where(jobs.c.dataset == str(name)).values({"dataset": str(to)}))


def drop_history(connection: Connection, name: DatasetName) -> None:
    """Forget the jobs of a dataset that is gone: the next of that name has no part in them.

    One that runs stays, as it may be the one that removes the dataset; so do those that were given
    up, which nobody goes by.
    """
    kept = sorted({JobState.RUNNING, JobState.CANCELLED})
    gone = select(jobs.c.id).where(jobs.c.dataset == str(name), jobs.c.state.not_in(kept))
    begun = select(stages.c.id).where(stages.c.job.in_(gone))
    for tasks in (done_tasks, failed_tasks):
        connection.execute(delete(tasks).where(tasks.c.stage.in_(begun)))
    connection.execute(delete(stages).where(stages.c.job.in_(gone)))
    connection.execute(delete(jobs).where(jobs.c.id.in_(gone)))
