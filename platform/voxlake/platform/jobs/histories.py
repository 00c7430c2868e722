"""The jobs of a dataset that gets another name, or goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select, update

from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError
from voxlake.platform.jobs.record import UNFINISHED, Job, JobState
from voxlake.platform.jobs.rows import encode, read_jobs
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, jobs, stages, task_leases
from voxlake.platform.nodes.tree import collection, experiment, is_kept

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from voxlake.platform.jobs.record import JSON
    from voxlake.platform.names import DatasetName


def jobs_about(
    connection: Connection, name: DatasetName, states: Collection[JobState] = UNFINISHED
) -> list[Job]:
    """Return the jobs on a dataset, and those that make labels of it, which it may not have yet.

    What deletes one that had the name before is none of them.
    """
    return [
        job
        for job in read_jobs(connection, is_kept, jobs.c.state.in_(sorted(states)))
        if job.dataset == name
        or (job.spec.get("of") == name.dataset and job.dataset.sibling(name.dataset) == name)
    ]


def jobs_of_node(connection: Connection, node: int) -> list[Job]:
    """Return the unfinished jobs on the node of a dataset."""
    return read_jobs(connection, jobs.c.node == node, jobs.c.state.in_(sorted(UNFINISHED)))


def check_no_job_knows(connection: Connection, name: DatasetName) -> None:
    """Raise ConflictError if a job on a dataset, or one that makes labels of it, is unfinished.

    What it was told to do says the name.
    """
    for job in jobs_about(connection, name):
        raise ConflictError(
            f"{job.kind} job {job.id} on {job.dataset} is {job.state}; before {name} is renamed, "
            f"wait for it, go on with it (voxlake jobs resume {job.id}) or give it up (voxlake "
            f"jobs cancel {job.id})"
        )


def check_no_job_below(connection: Connection, node: int, place: str) -> None:
    """Raise ConflictError if a job on a dataset of a collection or experiment is unfinished.

    What it was told to do says the name.
    """
    below = or_(collection.c.id == node, experiment.c.id == node)
    for job in read_jobs(connection, below, is_kept, jobs.c.state.in_(sorted(UNFINISHED))):
        raise ConflictError(
            f"{job.kind} job {job.id} on {job.dataset} is {job.state}; before {place} is changed, "
            f"wait for it, go on with it (voxlake jobs resume {job.id}) or give it up (voxlake "
            f"jobs cancel {job.id})"
        )


def give_up_jobs(
    connection: Connection,
    node: int,
    why: str,
    but: Collection[JobState] = frozenset(),
    spared: Collection[str] = (),
) -> None:
    """Cancel what is left to do on a dataset that is gone, and forget the tasks of its jobs.

    One that runs goes on, as it may be the one that removes the dataset; so do those in other
    states, which are named by `but`, and those whose ids are `spared`.
    """
    kept = sorted({JobState.RUNNING, *but})
    idle = jobs.c.node == node, jobs.c.state.not_in(kept), jobs.c.id.not_in(spared)
    begun = select(stages.c.id).join(jobs, jobs.c.id == stages.c.job).where(*idle)
    for tasks in (done_tasks, failed_tasks, task_leases):
        connection.execute(delete(tasks).where(tasks.c.stage.in_(begun)))
    left = update(jobs).where(*idle, jobs.c.state.in_(sorted(UNFINISHED)))
    given_up = {"state": JobState.CANCELLED.value, "message": why}
    connection.execute(left.values(**given_up, fence=jobs.c.fence + 1, updated_at=now()))


def lay_aside_jobs(connection: Connection, node: int, kind: str, why: str) -> list[str]:
    """Cancel the unfinished jobs of a kind on a dataset, and keep what was done; return their ids.

    They can be taken up again by `take_up_jobs`.
    """
    mine = jobs.c.node == node, jobs.c.kind == kind, jobs.c.state.in_(sorted(UNFINISHED))
    aside = {"state": JobState.CANCELLED.value, "message": why, "updated_at": now()}
    change = update(jobs).where(*mine).values(**aside, fence=jobs.c.fence + 1)
    return list(connection.execute(change.returning(jobs.c.id)).scalars())


def take_up_jobs(connection: Connection, node: int, kind: str, place: Mapping[str, JSON]) -> None:
    """Let cancelled jobs of a kind on a dataset be as if they had just been recorded.

    What was done for them is done still. `place` is what they are told of the dataset from now on.
    """
    mine = jobs.c.node == node, jobs.c.kind == kind, jobs.c.state == JobState.CANCELLED.value
    for job in read_jobs(connection, *mine):
        again = {"state": JobState.QUEUED.value, "message": "", "updated_at": now()}
        again |= {"spec": encode({**job.spec, **place}), "queued_at": None, "cancel_asked": False}
        change = update(jobs).where(jobs.c.id == job.id)
        connection.execute(change.values(**again, fence=jobs.c.fence + 1))
