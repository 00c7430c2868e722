"""The job ledger: what is asked for, what is done, what failed. Progress outlives every process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, func, select, update

from voxlake.platform.database import now
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PlanChangedError,
)
from voxlake.platform.jobs import leases
from voxlake.platform.jobs.histories import jobs_about
from voxlake.platform.jobs.record import (
    COMMAND,
    ENDED,
    JSON,
    AskedBy,
    Claim,
    Job,
    JobState,
    TaskFailure,
)
from voxlake.platform.jobs.rows import add_job, clean_text, decode, encode, read_job, read_jobs
from voxlake.platform.jobs.runner import is_held
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, jobs, stages
from voxlake.platform.nodes.tree import is_named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from voxlake.platform.database import Database
    from voxlake.platform.jobs.record import StageProgress, StageRecord
    from voxlake.platform.names import DatasetName

_same_task = and_(
    done_tasks.c.stage == failed_tasks.c.stage, done_tasks.c.task == failed_tasks.c.task
)

_PAGE = 10_000
"""Rows fetched at a time where all are streamed."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The jobs of a lake. Its methods may be called from any thread.

    Anyone may read; what a runner writes needs its `Claim`, and is refused in the same
    transaction (LeaseLostError) if a newer claim of the job was made.

    Every method raises StoreError where the database fails, and NotFoundError for a job or stage
    that was never made.
    """

    database: Database
    _stages: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict, repr=False)
    """Row and tasks of each stage; they never change once it is begun, so are looked up once."""

    def create_job(
        self,
        kind: str,
        dataset: DatasetName,
        spec: Mapping[str, JSON],
        by: AskedBy = COMMAND,
    ) -> Job:
        """Add a job, for its maker to `claim` or to `enqueue`.

        Raises
        ------
        InvalidInputError
            If its `spec` is not JSON.
        """
        with self.database.write() as connection:
            job = add_job(connection, kind, dataset, spec, by)
        return self.get_job(job)

    def get_job(self, job: str) -> Job:
        """Return the job."""
        with self.database.read() as connection:
            return read_job(connection, job)

    def list_jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        with self.database.read() as connection:
            return read_jobs(connection)

    def jobs_of(
        self,
        dataset: DatasetName,
        *,
        kind: str | None = None,
        states: Collection[JobState] = frozenset(JobState),
    ) -> list[Job]:
        """Return the jobs of a dataset in one of the `states`, of one kind or all, newest first."""
        which = [is_named(dataset), jobs.c.state.in_(sorted(states))]
        which += [jobs.c.kind == kind] if kind is not None else []
        with self.database.read() as connection:
            return read_jobs(connection, *which)

    def jobs_about(self, dataset: DatasetName) -> list[Job]:
        """Return the unfinished jobs on a dataset, and those that are to make labels of it."""
        with self.database.read() as connection:
            return jobs_about(connection, dataset)

    def enqueue(self, job: str) -> Job:
        """Give the job to whichever worker is free first, after those queued before it.

        Its failures are forgotten: every task that is to be done may fail anew as often as any.

        Raises
        ------
        ConflictError
            If it is done or cancelled, or somebody runs it.
        """
        with self.database.write() as connection:
            row = leases.locked_job(connection, job)
            if row.state in ENDED:
                raise ConflictError(f"job {job} is {row.state}; there is nothing left to do")
            if is_held(row, leases.database_time(connection)):
                raise ConflictError(f"job {job} is being run on {row.host} already")
            columns = {"state": JobState.QUEUED.value, "message": "", "losses": 0}
            columns |= {"queued_at": now(), "fence": row.fence + 1, "cancel_asked": False}
            leases.change_job(connection, job, **columns)
            _forget_failures(connection, job)
        return self.get_job(job)

    def claim(self, job: str, *, lease_s: float = leases.LEASE_S) -> Claim:
        """Make this process the job's runner and mark the job as running.

        Raises
        ------
        ConflictError
            If the job is done or cancelled, if another runner has it, or if one works on the same
            dataset.
        """
        with self.database.write() as connection:
            return leases.claim_job(connection, job, lease_s)

    def claim_oldest(self, *, lease_s: float = leases.LEASE_S) -> Claim | None:
        """Claim the job that has been queued longest, of whose turn it is; None: there is none.

        Whoever has the fewest jobs running comes first, then who has waited longest for one.
        Queued jobs whose runner was lost are in the queue again. A job whose dataset is being
        worked on waits.

        Raises
        ------
        ConflictError
            If another runner was faster; try again.
        """
        with self.database.write() as connection:
            return leases.claim_oldest(connection, lease_s)

    def renew(self, claim: Claim) -> bool:
        """Let the lease last from this moment again; return whether the job is to be cancelled."""
        with self.database.write() as connection:
            end = leases.database_time(connection) + timedelta(seconds=claim.lease_s)
            leases.change_claimed(connection, claim, {"lease_until": end, "updated_at": now()})
            asked = select(jobs.c.cancel_asked).where(jobs.c.id == claim.job)
            return bool(connection.execute(asked).scalar_one())

    def release(self, claim: Claim, message: str = "") -> None:
        """Stop running the job: a queued one goes back to the queue, another is interrupted."""
        with self.database.write() as connection:
            row = leases.locked_job(connection, claim.job)
            leases.check_claim(connection, claim)
            leases.free(connection, row, clean_text(message))

    def cancel(self, job: str) -> Job:
        """Cancel the job, or ask its runner to; the runner sees it within seconds.

        Raises
        ------
        ConflictError
            If it is done or cancelled.
        """
        with self.database.write() as connection:
            row = leases.locked_job(connection, job)
            if row.state in ENDED:
                raise ConflictError(f"job {job} is {row.state}; there is nothing to cancel")
            if is_held(row, leases.database_time(connection)):
                columns: dict[str, object] = {"cancel_asked": True, "message": "being cancelled"}
            else:
                columns = {"state": JobState.CANCELLED.value, "message": "cancelled"}
                columns |= {"fence": row.fence + 1, **leases.NOT_RUNNING}
            leases.change_job(connection, job, **columns)
        return self.get_job(job)

    def cancel_by_worker(self, job: str) -> Job:
        """Have the job cancelled by its runner, or by whichever worker is free first.

        Raises
        ------
        ConflictError
            If it is done or cancelled.
        """
        with self.database.write() as connection:
            row = leases.locked_job(connection, job)
            if row.state in ENDED:
                raise ConflictError(f"job {job} is {row.state}; there is nothing to cancel")
            columns: dict[str, object] = {"cancel_asked": True, "message": "being cancelled"}
            if not is_held(row, leases.database_time(connection)):
                columns |= {"state": JobState.QUEUED.value, "queued_at": now(), "losses": 0}
                columns |= {"fence": row.fence + 1, **leases.NOT_RUNNING}
            leases.change_job(connection, job, **columns)
        return self.get_job(job)

    def become(self, claim: Claim, kind: str, spec: Mapping[str, JSON]) -> Job:
        """Let the job be of another kind from here on, and return it.

        Raises
        ------
        InvalidInputError
            If its `spec` is not JSON.
        """
        change: dict[str, object] = {"kind": kind, "spec": encode(spec), "updated_at": now()}
        with self.database.write() as connection:
            leases.change_claimed(connection, claim, change)
        return self.get_job(claim.job)

    def set_state(self, claim: Claim, state: JobState, message: str = "") -> None:
        """Say how far the job is, with a word for people; the lease ends unless it runs on."""
        change: dict[str, object] = {
            "state": state.value,
            "message": clean_text(message),
            "updated_at": now(),
        }
        if state is not JobState.RUNNING:
            change |= leases.NOT_RUNNING
        with self.database.write() as connection:
            leases.change_claimed(connection, claim, change)

    def set_dashboard(self, claim: Claim, dashboard: str | None) -> None:
        """Tell where people look at the cluster that the job runs on, until its run ends."""
        with self.database.write() as connection:
            leases.change_claimed(connection, claim, {"dashboard": dashboard})

    def begin_stage(self, claim: Claim, stage: StageRecord) -> None:
        """Record that the job works through a plan; again is no error.

        Raises
        ------
        PlanChangedError
            If the job began a stage of that name with another plan.
        """
        job, name = claim.job, stage.name
        row = {"job": job, "name": name, "tasks": stage.tasks, "fingerprint": stage.fingerprint}
        row |= {"voxels": stage.voxels, "done": 0, "failed": 0, "voxels_done": 0, "bytes_done": 0}
        with self.database.write() as connection:
            leases.check_claim(connection, claim)
            begin = self.database.insert(stages).values(row)
            connection.execute(begin.on_conflict_do_nothing(index_elements=["job", "name"]))
            begun = connection.execute(
                select(stages.c.tasks, stages.c.fingerprint).where(
                    stages.c.job == job, stages.c.name == name
                )
            ).one()
        if (begun.tasks, begun.fingerprint) != (stage.tasks, stage.fingerprint):
            raise PlanChangedError(
                f"stage {name!r} of job {job} was begun with {begun.tasks} tasks and now has "
                f"{stage.tasks}, or its source or target has changed; start a new job"
            )

    def set_progress(self, claim: Claim, stage: str, progress: StageProgress) -> None:
        """Tell how far a stage is."""
        number, _ = self._stage(claim.job, stage)
        with self.database.write() as connection:
            leases.check_claim(connection, claim)
            connection.execute(update(stages).where(stages.c.id == number).values(asdict(progress)))

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
            _forget_failures(connection, claim.job)

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


def _forget_failures(connection: Connection, job: str) -> None:
    mine = select(stages.c.id).where(stages.c.job == job)
    connection.execute(delete(failed_tasks).where(failed_tasks.c.stage.in_(mine)))
