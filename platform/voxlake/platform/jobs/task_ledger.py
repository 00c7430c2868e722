"""The tasks of jobs: which are done and what they found out, which failed, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, func, select

from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.jobs import leases
from voxlake.platform.jobs.record import TaskFailure
from voxlake.platform.jobs.rows import clean_text, decode, encode, read_job
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from voxlake.platform.database import Database
    from voxlake.platform.jobs.record import JSON, Claim

_same_task = and_(
    done_tasks.c.stage == failed_tasks.c.stage, done_tasks.c.task == failed_tasks.c.task
)

_PAGE = 10_000
"""Rows fetched at a time where all are streamed."""


@dataclass(frozen=True, slots=True)
class TaskLedger:
    """The part of `Ledger` that is about the tasks of a job's stages."""

    database: Database
    _stages: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict, repr=False)
    """Row and tasks of each stage; they never change once it is begun, so are looked up once."""

    def done_tasks(self, job: str, stage: str) -> bytearray:
        """Return a mark for each task of the stage: 1 if it is done, 0 if it is still to do."""
        number, tasks = self._stage(job, stage)
        query = select(done_tasks.c.task).where(done_tasks.c.stage == number)
        done = bytearray(tasks)
        with self.database.read() as connection:
            # A server-side cursor where there is one: the rows are never all in memory.
            rows = connection.execution_options(yield_per=_PAGE).execute(query)
            for task in rows.scalars():
                done[task] = 1
        return done

    def count_done(self, job: str, stage: str) -> int:
        """Return how many tasks are done."""
        number, _ = self._stage(job, stage)
        query = select(func.count()).where(done_tasks.c.stage == number)
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()

    def record_done(
        self, claim: Claim, stage: str, results: Mapping[int, Mapping[str, JSON]]
    ) -> None:
        """Record tasks as done, by index, with what they found out: all in one commit, or none.

        The last record of a task counts. A job that gets on has not lost its runners in vain.

        Raises
        ------
        InvalidInputError
            If an index is outside the stage, or a result is not JSON.
        """
        if not results:
            return
        number = self._stage_of(claim.job, stage, results)
        rows = [
            {"stage": number, "task": index, "result": encode(result) if result else None}
            for index, result in results.items()
        ]
        put = self.database.insert(done_tasks)
        put = put.on_conflict_do_update(
            index_elements=["stage", "task"], set_={"result": put.excluded.result}
        )
        mend = delete(failed_tasks).where(
            failed_tasks.c.stage == number, failed_tasks.c.task.in_(list(results))
        )
        with self.database.write() as connection:
            leases.check_claim(connection, claim, gets_on=True)
            connection.execute(put, rows)
            connection.execute(mend)

    def record_failure(
        self, claim: Claim, stage: str, index: int, traceback: str, attempts: int = 1
    ) -> int:
        """Record that a task failed, in so many attempts, and return how often it has.

        A task that is already done stays done: its number of failures is then 0.
        """
        number = self._stage_of(claim.job, stage, [index])
        put = self.database.insert(failed_tasks).values(
            stage=number, task=index, attempts=attempts, traceback=clean_text(traceback)
        )
        again = put.on_conflict_do_update(
            index_elements=["stage", "task"],
            set_={
                "attempts": failed_tasks.c.attempts + put.excluded.attempts,
                "traceback": put.excluded.traceback,
            },
        ).returning(failed_tasks.c.attempts)
        done = select(done_tasks.c.task).where(
            done_tasks.c.stage == number, done_tasks.c.task == index
        )
        with self.database.write() as connection:
            leases.check_claim(connection, claim)
            if connection.execute(done).first() is not None:
                return 0
            return int(connection.execute(again).scalar_one())

    def count_failed(self, job: str, stage: str, attempts: int) -> int:
        """Return how many tasks failed so often, or more, and have not been done since."""
        number, _ = self._stage(job, stage)
        often = and_(failed_tasks.c.stage == number, failed_tasks.c.attempts >= attempts)
        query = select(func.count()).where(often, ~exists().where(_same_task))
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()

    def failures(self, job: str, limit: int | None = None) -> list[TaskFailure]:
        """Return the tasks that failed and have not been done since, or the first of them."""
        query = (
            select(stages.c.name, failed_tasks)
            .join(stages, stages.c.id == failed_tasks.c.stage)
            .where(stages.c.job == job)
            # A failure may be recorded while the same task is being recorded as done elsewhere.
            .where(~exists().where(_same_task))
            .order_by(stages.c.id, failed_tasks.c.task)
            .limit(limit)
        )
        with self.database.read() as connection:
            read_job(connection, job)
            return [
                TaskFailure(row.name, row.task, row.attempts, row.traceback)
                for row in connection.execute(query)
            ]

    def clear_failures(self, claim: Claim) -> None:
        """Forget the failures, so that those tasks are tried again."""
        with self.database.write() as connection:
            leases.check_claim(connection, claim)
            forget_failures(connection, claim.job)

    def results(self, job: str, stage: str) -> Iterator[dict[str, JSON]]:
        """Yield what the done tasks found out, in the order of their indices."""
        number, _ = self._stage(job, stage)
        after = -1
        while True:
            page = (
                select(done_tasks.c.task, done_tasks.c.result)
                .where(done_tasks.c.stage == number, done_tasks.c.task > after)
                .order_by(done_tasks.c.task)
                .limit(_PAGE)
            )
            with self.database.read() as connection:
                rows = connection.execute(page).all()
            for row in rows:
                yield decode(row.result)
            if len(rows) < _PAGE:
                return
            after = rows[-1].task

    def _stage(self, job: str, name: str) -> tuple[int, int]:
        """Return the row of a stage that was begun, and how many tasks it has."""
        known = self._stages.get((job, name))
        if known is not None:
            return known
        query = select(stages.c.id, stages.c.tasks).where(
            stages.c.job == job, stages.c.name == name
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(f"job {job} has no stage {name!r}; begin it first")
        return self._stages.setdefault((job, name), (row.id, row.tasks))

    def _stage_of(self, job: str, name: str, indices: Iterable[int]) -> int:
        """Return the row of a stage; raise InvalidInputError if it has no task of an index."""
        number, tasks = self._stage(job, name)
        for index in indices:
            if not 0 <= index < tasks:
                raise InvalidInputError(
                    f"stage {name!r} has no task {index}; its tasks are [0, {tasks})"
                )
        return number


def forget_failures(connection: Connection, job: str) -> None:
    """Forget the failures of a job."""
    mine = select(stages.c.id).where(stages.c.job == job)
    connection.execute(delete(failed_tasks).where(failed_tasks.c.stage.in_(mine)))
