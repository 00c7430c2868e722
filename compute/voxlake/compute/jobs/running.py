"""Run jobs: what is done is in the ledger, so any process may die and another go on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from voxlake.compute.jobs.cancelling import cancel_claimed
from voxlake.compute.jobs.events import Report, StageStarted, TaskFinished, silent
from voxlake.compute.jobs.indexing import begin_indexing, renew_indexing
from voxlake.compute.jobs.recorder import Recorder, StageTally
from voxlake.compute.jobs.report import shard_results
from voxlake.compute.jobs.spec import FsckSpec, IngestSpec, RepairSpec, VerifySpec, spec_of
from voxlake.compute.jobs.stages import create_target, plan_stages
from voxlake.compute.plan import voxels_of
from voxlake.compute.run import Finished, open_cluster, run_tasks
from voxlake.ngff.labels.bulk.build import RENEW_S
from voxlake.ngff.lake import dataset_url
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    ClusterLostError,
    ConflictError,
    InvalidInputError,
    JobFailedError,
    LeaseLostError,
    NotFoundError,
    PlanChangedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    VoxlakeError,
)
from voxlake.platform.jobs import JobState, StageRecord

if TYPE_CHECKING:
    from distributed import Client

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan, Task
    from voxlake.platform.jobs import JSON, Claim, Job, Ledger, TaskSet

ATTEMPTS = 3
"""After so many failures a task is set aside and the job ends degraded."""

MOST_SET_ASIDE = 1000
"""After so many tasks were set aside the job ends: something is wrong with all of them."""

GRACE_S = 20.0
"""Seconds that a job which is to stop waits for its tasks in flight (Kubernetes kills after 30)."""

LIVE_WRITE_S = 3600
"""Older temporary files belong to no write that is still going on."""

FATAL = (StoreFullError, StoreReadOnlyError, PlanChangedError, InvalidInputError)
"""What trying again cannot mend: the job stops at once and can be resumed."""


@dataclass(frozen=True, slots=True)
class StageSummary:
    """One stage, as it went."""

    stage: str
    tasks: int
    ran: int
    """Tasks that this run did; the others were done before."""
    voxels: int
    """Voxels that this run wrote or compared."""
    seconds: float


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job that ended, as it went."""

    job: str
    dataset: str
    stages: tuple[StageSummary, ...]
    seconds: float
    differences: tuple[Mapping[str, JSON], ...] = field(default=())
    """Shards that a verify job found to differ."""

    @property
    def voxels(self) -> int:
        """Voxels that this run wrote or compared, at all levels."""
        return sum(stage.voxels for stage in self.stages)

    @property
    def tasks(self) -> int:
        """Tasks that this run did."""
        return sum(stage.ran for stage in self.stages)


@dataclass(frozen=True, slots=True)
class _Run:
    """A claimed job that is being run."""

    workspace: Workspace
    job: Job
    recorder: Recorder

    @property
    def ledger(self) -> Ledger:
        return self.workspace.catalog.ledger


class _Stopped(Exception):  # noqa: N818  (no error: it was asked for)
    """The run was asked to stop, and its tasks in flight are done or given up."""


def run_job(workspace: Workspace, job: Job, report: Report = silent) -> JobSummary:
    """Run a job to its end, from wherever the ledger says it stands.

    Raises
    ------
    ConflictError
        If it is done or cancelled, another runner has it or one works on its dataset, or somebody
        cancels it meanwhile.
    LeaseLostError
        If this process was taken for dead and another goes on with the job.
    JobFailedError
        If tasks failed three times each, or the cluster was lost; what is done stays done.
    StoreFullError, StoreReadOnlyError, PlanChangedError, InvalidInputError
        If a task met what trying again cannot mend.
    """
    return _whole(run_claimed(workspace, workspace.catalog.ledger.claim(job.id), report))


def resume_job(workspace: Workspace, job_id: str, report: Report = silent) -> JobSummary:
    """Go on with a job that was killed, failed or ended degraded.

    Raises
    ------
    NotFoundError
        If there is no such job.
    ConflictError
        If it is done or cancelled, or another runner has it.
    """
    ledger = workspace.catalog.ledger
    claim = ledger.claim(job_id)
    ledger.clear_failures(claim)
    return _whole(run_claimed(workspace, claim, report))


def run_claimed(
    workspace: Workspace, claim: Claim, report: Report = silent, stop: Event | None = None
) -> JobSummary | None:
    """Run a job that this process has claimed.

    Parameters
    ----------
    workspace, claim
        Where it works, and by what right.
    report
        Told of the progress.
    stop
        When set, the tasks in flight are finished, for `GRACE_S` seconds at most, and the job is
        handed back: None is returned.

    Raises
    ------
    VoxlakeError
        As `run_job` does.
    """
    job = workspace.catalog.ledger.get_job(claim.job)
    with Recorder(workspace.catalog.ledger, claim, stop or Event()) as recorder:
        run = _Run(workspace, job, recorder)
        try:
            return _run(run, report)
        except _Stopped:
            _hand_back(run)
            return None
        except ClusterLostError as error:
            _lose_cluster(run, error)
            raise
        except JobFailedError as error:
            _end_badly(run, JobState.DEGRADED, error)
            raise
        except Exception as error:
            _end_badly(run, JobState.FAILED, error)
            raise
        except BaseException:
            with suppress(VoxlakeError):
                recorder.flush()
                run.ledger.release(claim, "interrupted")
            raise


def _whole(summary: JobSummary | None) -> JobSummary:
    if summary is None:
        raise RuntimeError("a job was stopped that nobody could stop")
    return summary


def _run(run: _Run, report: Report) -> JobSummary:
    workspace, job, spec = run.workspace, run.job, spec_of(run.job)
    began = time.monotonic()
    if isinstance(spec, IngestSpec):
        create_target(workspace, spec)
    plans = plan_stages(workspace, spec, job.id)
    for plan in plans:
        plan.check_memory(workspace.settings.memory_limit_bytes)
    stages = _run_plans(run, plans, report)
    if not isinstance(spec, VerifySpec | FsckSpec | RepairSpec):
        # Nobody else writes a dataset before it is ready; then annotators may, at this moment.
        age_s = 0 if isinstance(spec, IngestSpec) else LIVE_WRITE_S
        store.sweep(dataset_url(workspace.lake, spec.place), older_than_s=age_s)
        store.sweep(workspace.index_url(spec.place), older_than_s=age_s)
    if isinstance(spec, IngestSpec):
        workspace.catalog.set_dataset_state(spec.place.name, DatasetState.READY)
    run.ledger.set_state(run.recorder.claim, JobState.DONE, "")
    found = tuple(_differences(run.ledger, job, plans)) if isinstance(spec, VerifySpec) else ()
    return JobSummary(job.id, str(job.dataset), stages, time.monotonic() - began, found)


def _run_plans(run: _Run, plans: list[Plan], report: Report) -> tuple[StageSummary, ...]:
    for plan in plans:
        stage = StageRecord(plan.stage, len(plan), plan.fingerprint, plan.voxels)
        run.ledger.begin_stage(run.recorder.claim, stage)
    left = sum(len(plan) - run.ledger.count_done(run.job.id, plan.stage) for plan in plans)
    if left == 0:
        return tuple(StageSummary(plan.stage, len(plan), 0, 0, 0) for plan in plans)
    begin_indexing(run.workspace, run.job)
    with open_cluster(run.workspace.settings, left) as client:
        return tuple(_run_stage(run, client, plan, report) for plan in plans)


def _run_stage(run: _Run, client: Client, plan: Plan, report: Report) -> StageSummary:
    recorder = run.recorder
    done = run.ledger.done_tasks(run.job.id, plan.stage)
    report(StageStarted(plan.stage, len(plan), len(done), plan.voxels))
    began, ran, voxels = time.monotonic(), 0, 0
    recorder.begin(_tally(run, plan, len(done)))
    pending = _Pending(plan, done, recorder.stop)
    for finished in run_tasks(client, pending, _Watch(run)):
        if finished.error is not None:
            _note_failure(recorder, finished, pending)
            report(TaskFinished(plan.stage, 0, failed=True))
            continue
        result = finished.result or {}
        recorder.done(finished.index, result)
        ran += 1
        found = voxels_of(result)
        voxels += found
        report(TaskFinished(plan.stage, found))
    recorder.end()
    recorder.check()
    if recorder.stop.is_set():
        raise _Stopped
    _check_none_failed(run, plan)
    return StageSummary(plan.stage, len(plan), ran, voxels, time.monotonic() - began)


def _tally(run: _Run, plan: Plan, done: int) -> StageTally:
    """Return how far the stage is; a runner that was killed has not told of its last seconds."""
    stages = run.ledger.get_job(run.job.id).stages
    told = next(stage.progress for stage in stages if stage.name == plan.stage)
    return StageTally(plan.stage, done, plan.voxels * done // max(1, len(plan)), told.bytes_done)


class _Watch:
    """Called between tasks: gives signs of life, and raises when the run has to end at once."""

    def __init__(self, run: _Run) -> None:
        self._run, self._recorder = run, run.recorder
        self._stopping: float | None = None
        self._renewed = time.monotonic()

    def __call__(self) -> None:
        self._recorder.check()
        now = time.monotonic()
        if now - self._renewed > RENEW_S:
            renew_indexing(self._run.workspace, self._run.job)
            self._renewed = now
        if not self._recorder.stop.is_set():
            return
        self._stopping = self._stopping or now
        if now - self._stopping > GRACE_S:
            raise _Stopped


class _Pending(Iterator[tuple[int, "Task"]]):
    """The tasks still to run, none after `stop`; those that failed come again at the end."""

    def __init__(self, plan: Plan, done: TaskSet, stop: Event) -> None:
        self._plan, self._stop = plan, stop
        self._fresh, self._left = done.missing(), done.size - len(done)
        self._again: deque[int] = deque()
        self.set_aside = 0

    def try_again(self, index: int) -> None:
        self._again.append(index)

    def __length_hint__(self) -> int:
        return self._left + len(self._again)

    def __next__(self) -> tuple[int, Task]:
        if self._stop.is_set():
            raise StopIteration
        index = next(self._fresh, None)
        if index is not None:
            self._left -= 1
            return index, self._plan.task(index)
        if not self._again:
            raise StopIteration
        index = self._again.popleft()
        return index, self._plan.task(index)


def _note_failure(recorder: Recorder, finished: Finished, pending: _Pending) -> None:
    attempts = recorder.failed(finished.index, finished.report)
    if isinstance(finished.error, FATAL):
        raise finished.error
    if attempts < ATTEMPTS:
        pending.try_again(finished.index)
        return
    pending.set_aside += 1
    if pending.set_aside >= MOST_SET_ASIDE:
        raise JobFailedError(
            f"{pending.set_aside} tasks failed {ATTEMPTS} times each, the last with: "
            f"{finished.report.strip().splitlines()[-1]}"
        )


def _check_none_failed(run: _Run, plan: Plan) -> None:
    failed = run.ledger.count_failed(run.job.id, plan.stage, ATTEMPTS)
    if failed == 0:
        return
    first = run.ledger.failures(run.job.id, limit=1)[0]
    last = first.traceback.strip().splitlines()[-1]
    raise JobFailedError(
        f"{failed} of {len(plan)} tasks of stage {plan.stage} failed {ATTEMPTS} times, "
        f"the first with: {last}"
    )


def _differences(ledger: Ledger, job: Job, plans: list[Plan]) -> Iterator[Mapping[str, JSON]]:
    for plan in plans:
        for result in shard_results(ledger, job.id, plan.stage):
            if result.get("different"):
                yield result


def _hand_back(run: _Run) -> None:
    """Let go of a job that was asked to stop, or cancel it if that was why.

    Raises
    ------
    ConflictError
        If it was cancelled.
    """
    recorder = run.recorder
    recorder.flush()
    if not recorder.cancelled:
        run.ledger.release(recorder.claim, "its runner was stopped")
        return
    try:
        cancel_claimed(run.workspace, recorder.claim)
    except Exception as error:
        run.ledger.release(recorder.claim, f"could not be cancelled: {error}")
        raise
    raise ConflictError(f"job {run.job.id} was cancelled while it ran")


def _lose_cluster(run: _Run, error: ClusterLostError) -> None:
    """Leave a queued job to a worker that has a cluster; it is not the job that is at fault."""
    if run.job.queued_at is None:
        _end_badly(run, JobState.DEGRADED, error)
        return
    with suppress(StoreError, LeaseLostError):
        run.recorder.flush()
        run.ledger.release(run.recorder.claim, str(error))


def _end_badly(run: _Run, state: JobState, error: Exception) -> None:
    if isinstance(error, LeaseLostError):
        return
    # What went wrong first is what is to be told, even if the database is away as well.
    with suppress(StoreError, LeaseLostError, NotFoundError):
        run.recorder.flush()
        run.ledger.set_state(run.recorder.claim, state, str(error))
        if isinstance(spec_of(run.job), IngestSpec) and not isinstance(error, ConflictError):
            run.workspace.catalog.set_dataset_state(run.job.dataset, DatasetState.FAILED)
    error.add_note(f"what is done stays done; go on with: voxlake jobs resume {run.job.id}")
