"""Tasks of one job that many clients do, none of which has claimed it: each is leased for a while.

A client takes some tasks and says when each is done; while it lives, it says so by taking more, or
none. What a client that is gone had is given to others once its lease is over. Doing a task twice
is no harm. Tasks are handed out in order: a row is kept for each that is done or leased, and for no
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.jobs import leases
from voxlake.platform.jobs.record import ENDED, JobState
from voxlake.platform.jobs.rows import encode
from voxlake.platform.jobs.tables import done_tasks, stages, task_leases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from voxlake.platform.database import Database
    from voxlake.platform.jobs.record import JSON, StageRecord


@dataclass(frozen=True, slots=True)
class Taken:
    """What a client has taken."""

    tasks: tuple[int, ...]
    left: int
    """Tasks that are not done, these and those of others included."""


@dataclass(frozen=True, slots=True)
class SharedTasks:
    """A stage of a job that clients share. Its methods may be called from any thread.

    Every method raises NotFoundError if there is no such job, or the stage was not begun.
    """

    database: Database
    job: str
    stage: str

    def begin(self, stage: StageRecord) -> None:
        """Record how many tasks there are; again is no error."""
        row = {"job": self.job, "name": stage.name, "tasks": stage.tasks}
        row |= {"fingerprint": stage.fingerprint, "voxels": stage.voxels}
        row |= dict.fromkeys(("done", "failed", "voxels_done", "bytes_done"), 0)
        with self.database.write() as connection:
            leases.locked_job(connection, self.job)
            put = self.database.insert(stages).values(row)
            connection.execute(put.on_conflict_do_nothing(index_elements=["job", "name"]))

    def take(self, holder: str, count: int, lease_s: float) -> Taken:
        """Lease up to `count` tasks to a client, and renew what it has, for so many seconds.

        Raises
        ------
        ConflictError
            If the job is not open for clients: it is done, cancelled, or a worker has it.
        """
        with self.database.write() as connection:
            number, tasks = self._open(connection)
            moment = leases.database_time(connection)
            until = moment + timedelta(seconds=lease_s)
            mine = task_leases.c.stage == number, task_leases.c.holder == holder
            connection.execute(update(task_leases).where(*mine).values(until=until))
            found = _lapsed(connection, number, moment, count)
            again = task_leases.c.stage == number, task_leases.c.task.in_(found)
            connection.execute(update(task_leases).where(*again).values(holder=holder, until=until))
            fresh = _fresh(connection, number, tasks, count - len(found))
            rows = [
                {"stage": number, "task": task, "holder": holder, "until": until} for task in fresh
            ]
            if rows:
                connection.execute(insert(task_leases), rows)
            return Taken((*found, *fresh), tasks - _count_done(connection, number))

    def leave(self, holder: str) -> Taken:
        """Let others have at once what a client has taken and not done.

        Raises
        ------
        ConflictError
            As of `take`.
        """
        with self.database.write() as connection:
            number, tasks = self._open(connection)
            mine = task_leases.c.stage == number, task_leases.c.holder == holder
            ended = leases.database_time(connection)
            connection.execute(update(task_leases).where(*mine).values(until=ended))
            return Taken((), tasks - _count_done(connection, number))

    def record_done(self, task: int, result: Mapping[str, JSON], *, voxels: int, size: int) -> None:
        """Record a task as done, whoever had it; again is no harm.

        `voxels` and `size`, in bytes, are what it made, for the progress.

        Raises
        ------
        ConflictError
            If the job is not open for clients.
        InvalidInputError
            If there is no such task.
        """
        with self.database.write() as connection:
            number, tasks = self._open(connection)
            if not 0 <= task < tasks:
                raise InvalidInputError(
                    f"stage {self.stage!r} of job {self.job} has no task {task}; its tasks are "
                    f"[0, {tasks})"
                )
            row = {"stage": number, "task": task, "result": encode(result)}
            put = self.database.insert(done_tasks).values(row)
            put = put.on_conflict_do_nothing(index_elements=["stage", "task"])
            new = connection.execute(put.returning(done_tasks.c.task)).first()
            held = task_leases.c.stage == number, task_leases.c.task == task
            connection.execute(delete(task_leases).where(*held))
            if new is not None:
                progress = {
                    "done": stages.c.done + 1,
                    "voxels_done": stages.c.voxels_done + voxels,
                    "bytes_done": stages.c.bytes_done + size,
                }
                connection.execute(update(stages).where(stages.c.id == number).values(progress))

    def _open(self, connection: Connection) -> tuple[int, int]:
        """Return the row of the stage and how many tasks it has, of a job that clients may do."""
        row = leases.locked_job(connection, self.job)
        waits = row.state == JobState.QUEUED and row.queued_at is not None
        if row.state in ENDED or row.state == JobState.RUNNING or waits:
            state = "with a worker" if waits else row.state
            why = f" ({row.message})" if row.state == JobState.CANCELLED and row.message else ""
            raise ConflictError(f"job {self.job} is {state}{why}; clients do nothing more for it")
        query = select(stages.c.id, stages.c.tasks).filter_by(job=self.job, name=self.stage)
        stage = connection.execute(query).one_or_none()
        if stage is None:
            raise NotFoundError(f"job {self.job} has no stage {self.stage!r}")
        return stage.id, stage.tasks


def _lapsed(connection: Connection, number: int, moment: datetime, count: int) -> list[int]:
    """Return tasks whose clients have not been heard of for too long."""
    query = select(task_leases.c.task).where(
        task_leases.c.stage == number, task_leases.c.until <= moment
    )
    return list(connection.execute(query.order_by(task_leases.c.task).limit(count)).scalars())


def _fresh(connection: Connection, number: int, tasks: int, count: int) -> range:
    """Return tasks that nobody has had."""
    tables = (done_tasks, task_leases)
    tops = [select(func.max(each.c.task)).where(each.c.stage == number) for each in tables]
    found = [connection.execute(top).scalar() for top in tops]
    first = max((top + 1 for top in found if top is not None), default=0)
    return range(first, min(tasks, first + max(0, count)))


def _count_done(connection: Connection, number: int) -> int:
    query = select(func.count()).where(done_tasks.c.stage == number)
    return connection.execute(query).scalar_one()
