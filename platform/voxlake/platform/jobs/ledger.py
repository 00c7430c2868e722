"""The job ledger: what is asked for, what is done, what failed. Progress outlives every process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, func, insert, select, update
from ulid import ULID

from voxlake.platform.database import now
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PlanChangedError,
)
from voxlake.platform.jobs.record import JSON, Job, JobState, TaskFailure
from voxlake.platform.jobs.rows import clean_text, decode, encode, read_job, read_jobs
from voxlake.platform.jobs.runner import is_running, this_process
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, jobs, stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from voxlake.platform.database import Database
    from voxlake.platform.names import DatasetName

_same_task = and_(
    done_tasks.c.stage == failed_tasks.c.stage, done_tasks.c.task == failed_tasks.c.task
)

_PAGE = 10_000
"""Rows fetched at a time where all are streamed."""


@dataclass(frozen=True, slots=True)
class _Stage:
    id: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The jobs of a lake. Its methods may be called from any thread.

    Every method raises StoreError where the database fails, and NotFoundError for a job or stage
    that was never made.
    """

    database: Database
    _stages: dict[tuple[str, str], _Stage] = field(default_factory=dict, repr=False)
    """Stages never change once begun, so they are looked up once."""

    def create_job(self, kind: str, dataset: DatasetName, spec: Mapping[str, JSON]) -> Job:
        """Add a queued job; raise InvalidInputError if its `spec` is not JSON."""
        job, moment = str(ULID()), now()
        row = {
            "id": job,
            "kind": kind,
            "dataset": str(dataset),
            "state": JobState.QUEUED.value,
            "spec": encode(spec),
            "message": "",
            "created_at": moment,
            "updated_at": moment,
        }
        with self.database.write() as connection:
            connection.execute(insert(jobs).values(row))
        return self.get_job(job)

    def get_job(self, job: str) -> Job:
        """Return the job."""
        with self.database.read() as connection:
            return read_job(connection, job)

    def list_jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        with self.database.read() as connection:
            return read_jobs(connection)

    def set_state(self, job: str, state: JobState, message: str = "") -> None:
        """Say how far the job is, with a word for people."""
        change = {
            "state": state.value,
            "message": clean_text(message),
            "updated_at": now(),
        }
        with self.database.write() as connection:
            _change_job(connection, job, change)

    def claim(self, job: str, *, take_over: bool = False) -> Job:
        """Make this process the job's runner and mark the job as running.

        Parameters
        ----------
        job
            Its id.
        take_over
            Claim it even if it runs on another machine, where this one cannot see whether the
            runner is alive.

        Raises
        ------
        ConflictError
            If another living process runs it.
        """
        runner = this_process()
        change = {
            **runner._asdict(),
            "state": JobState.RUNNING.value,
            "message": "",
            "updated_at": now(),
        }
        with self.database.write() as connection:
            # The row stays locked until the change is made: of two claimers, one sees the other.
            connection.execute(select(jobs.c.id).where(jobs.c.id == job).with_for_update())
            found = read_job(connection, job)
            if is_running(found) and found.pid != runner.pid:
                raise ConflictError(
                    f"job {job} is being run by process {found.pid} on this machine; "
                    "wait for it, or stop that process first"
                )
            elsewhere = found.state == JobState.RUNNING and found.host != runner.host
            if elsewhere and not take_over:
                raise ConflictError(
                    f"job {job} is marked as running on {found.host}; "
                    "if its runner there is gone, take the job over"
                )
            _change_job(connection, job, change)
        return self.get_job(job)

    def begin_stage(self, job: str, name: str, tasks: int, fingerprint: str) -> None:
        """Record that the job works through a plan of `tasks` tasks; again is no error.

        Raises
        ------
        PlanChangedError
            If the job began a stage of that name with another plan.
        """
        with self.database.write() as connection:
            read_job(connection, job)
            row = {"job": job, "name": name, "tasks": tasks, "fingerprint": fingerprint}
            begin = self.database.insert(stages).values(row)
            connection.execute(begin.on_conflict_do_nothing(index_elements=["job", "name"]))
            begun = connection.execute(
                select(stages.c.tasks, stages.c.fingerprint)
                .where(stages.c.job == job)
                .where(stages.c.name == name)
            ).one()
        if (begun.tasks, begun.fingerprint) != (tasks, fingerprint):
            raise PlanChangedError(
                f"stage {name!r} of job {job} was begun with {begun.tasks} tasks and now has "
                f"{tasks}, or its source or target has changed; start a new job"
            )

    def done_tasks(self, job: str, stage: str) -> set[int]:
        """Return the indices of the tasks that are done."""
        query = select(done_tasks.c.task).where(done_tasks.c.stage == self._stage(job, stage).id)
        with self.database.read() as connection:
            return set(connection.execute(query).scalars())

    def count_done(self, job: str, stage: str) -> int:
        """Return how many tasks are done."""
        query = select(func.count()).where(done_tasks.c.stage == self._stage(job, stage).id)
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()

    def record_done(
        self, job: str, stage: str, index: int, result: Mapping[str, JSON] | None = None
    ) -> None:
        """Record that a task is done, with what it found out; the last record of a task counts."""
        self.record_done_many(job, stage, {index: result or {}})

    def record_done_many(
        self, job: str, stage: str, results: Mapping[int, Mapping[str, JSON]]
    ) -> None:
        """Record many tasks as done, by index, in one commit: all of them or none.

        Raises
        ------
        InvalidInputError
            If an index is outside the stage, or a result is not JSON.
        """
        if not results:
            return
        begun = self._stage(job, stage)
        _check_indices(results, begun, stage)
        rows = [
            {"stage": begun.id, "task": index, "result": encode(result) if result else None}
            for index, result in results.items()
        ]
        put = self.database.insert(done_tasks)
        put = put.on_conflict_do_update(
            index_elements=["stage", "task"], set_={"result": put.excluded.result}
        )
        mend = (
            delete(failed_tasks)
            .where(failed_tasks.c.stage == begun.id)
            .where(failed_tasks.c.task.in_(list(results)))
        )
        with self.database.write() as connection:
            connection.execute(put, rows)
            connection.execute(mend)

    def record_failure(self, job: str, stage: str, index: int, traceback: str) -> int:
        """Record that a task failed, and return how often it has.

        A task that is already done stays done: its number of failures is then 0.
        """
        begun = self._stage(job, stage)
        _check_indices([index], begun, stage)
        put = self.database.insert(failed_tasks).values(
            stage=begun.id, task=index, attempts=1, traceback=clean_text(traceback)
        )
        again = put.on_conflict_do_update(
            index_elements=["stage", "task"],
            set_={
                "attempts": failed_tasks.c.attempts + 1,
                "traceback": put.excluded.traceback,
            },
        ).returning(failed_tasks.c.attempts)
        done = (
            select(done_tasks.c.task)
            .where(done_tasks.c.stage == begun.id)
            .where(done_tasks.c.task == index)
        )
        with self.database.write() as connection:
            if connection.execute(done).first() is not None:
                return 0
            return int(connection.execute(again).scalar_one())

    def failures(self, job: str) -> list[TaskFailure]:
        """Return the tasks that failed and have not been done since."""
        query = (
            select(stages.c.name, failed_tasks)
            .join(stages, stages.c.id == failed_tasks.c.stage)
            .where(stages.c.job == job)
            # A failure may be recorded while the same task is being recorded as done elsewhere.
            .where(~exists().where(_same_task))
            .order_by(stages.c.id, failed_tasks.c.task)
        )
        with self.database.read() as connection:
            read_job(connection, job)
            return [
                TaskFailure(row.name, row.task, row.attempts, row.traceback)
                for row in connection.execute(query)
            ]

    def clear_failures(self, job: str) -> None:
        """Forget the failures, so that those tasks are tried again."""
        mine = select(stages.c.id).where(stages.c.job == job)
        with self.database.write() as connection:
            read_job(connection, job)
            connection.execute(delete(failed_tasks).where(failed_tasks.c.stage.in_(mine)))

    def results(self, job: str, stage: str) -> Iterator[dict[str, JSON]]:
        """Yield what the done tasks found out, in the order of their indices."""
        number = self._stage(job, stage).id
        after = -1
        while True:
            page = (
                select(done_tasks.c.task, done_tasks.c.result)
                .where(done_tasks.c.stage == number)
                .where(done_tasks.c.task > after)
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

    def _stage(self, job: str, name: str) -> _Stage:
        known = self._stages.get((job, name))
        if known is not None:
            return known
        query = (
            select(stages.c.id, stages.c.tasks)
            .where(stages.c.job == job)
            .where(stages.c.name == name)
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(f"job {job} has no stage {name!r}; begin it first")
        return self._stages.setdefault((job, name), _Stage(row.id, row.tasks))


def _check_indices(indices: Iterable[int], stage: _Stage, name: str) -> None:
    wrong = [index for index in indices if not 0 <= index < stage.tasks]
    if wrong:
        raise InvalidInputError(
            f"stage {name!r} has no task {wrong[0]}; its tasks are [0, {stage.tasks})"
        )


def _change_job(connection: Connection, job: str, change: Mapping[str, object]) -> None:
    if connection.execute(update(jobs).where(jobs.c.id == job).values(**change)).rowcount == 0:
        raise NotFoundError(f"there is no job {job}; list what there is with 'voxlake jobs'")
