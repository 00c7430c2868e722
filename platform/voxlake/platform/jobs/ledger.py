"""The job ledger: what is asked for, what is done, what failed. Progress outlives every process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, PlanChangedError
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
)
from voxlake.platform.jobs.rows import add_job, clean_text, encode, read_job, read_jobs
from voxlake.platform.jobs.runner import is_held
from voxlake.platform.jobs.tables import jobs, stages
from voxlake.platform.jobs.task_ledger import TaskLedger, forget_failures
from voxlake.platform.nodes.tree import is_named

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voxlake.platform.jobs.record import StageProgress, StageRecord
    from voxlake.platform.names import DatasetName


@dataclass(frozen=True, slots=True)
class Ledger(TaskLedger):
    """The jobs of a lake. Its methods may be called from any thread.

    Anyone may read; what a runner writes needs its `Claim`, and is refused in the same
    transaction (LeaseLostError) if a newer claim of the job was made.

    Every method raises StoreError where the database fails, and NotFoundError for a job or stage
    that was never made.
    """

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
            forget_failures(connection, job)
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
