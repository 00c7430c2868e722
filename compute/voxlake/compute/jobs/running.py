"""Run jobs: what is done is in the ledger, so any process may die and another go on."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from voxlake.compute.jobs.cancelling import cancel_claimed
from voxlake.compute.jobs.events import Report, StageStarted, TaskFinished, TasksUnderWay, silent
from voxlake.compute.jobs.kinds import kind_of, work_of
from voxlake.compute.jobs.kinds.asked.start import checked_job
from voxlake.compute.jobs.kinds.kind import RENEW_S
from voxlake.compute.jobs.pending import Pending
from voxlake.compute.jobs.recorder import Recorder, StageTally
from voxlake.compute.jobs.summary import JobSummary, StageSummary
from voxlake.compute.opened import close_opened_volumes
from voxlake.compute.plan import Result
from voxlake.compute.sources.opening import close_cached_sources
from voxlake.platform.errors import (
    UNREADABLE,
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
from voxlake.platform.jobs.answers import record_answer
from voxlake.platform.jobs.record import JobState, StageRecord
from voxlake.platform.telemetry.traces import Origin, span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.compute.cluster.stream import Finished
    from voxlake.compute.jobs.kinds.kind import JobKind, Work
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.jobs.record import Claim, Job

    type _Execute = Callable[
        [Pending, Callable[[], None], Callable[[int], None]], Iterator[Finished]
    ]

ATTEMPTS = 3
"""After so many failures a task is set aside and the job ends degraded."""

MOST_SET_ASIDE = 1000
"""After so many tasks were set aside the job ends: something is wrong with all of them."""

MOST_TOO_LARGE = 10
"""After so many that workers were ended for, too: each costs others what runs beside it."""

GRACE_S = 20.0
"""Seconds that a job which is to stop waits for its tasks in flight (Kubernetes kills after 30)."""

FATAL = (StoreFullError, StoreReadOnlyError, PlanChangedError, InvalidInputError)
"""What trying again cannot mend: the job stops at once and can be resumed."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A claimed job that is being run."""

    job: Job
    recorder: Recorder
    # Any: a kind's own functions alone look into its spec.
    kind: JobKind[Any]
    work: Work[Any]


class _Stopped(Exception):  # noqa: N818  (no error: it was asked for)
    """The run was asked to stop, and its tasks in flight are done or given up."""


def run_job(workspace: Workspace, job: Job, report: Report = silent) -> JobSummary:
    """Run a job to its end, from wherever the ledger says it stands: new, killed or degraded.

    Tasks that have failed before are tried again.

    Raises
    ------
    NotFoundError
        If there is no such job.
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
    ledger = workspace.catalog.ledger
    claim = ledger.claim(job.id)
    ledger.clear_failures(claim)
    summary = run_claimed(workspace, claim, report)
    if summary is None:
        raise RuntimeError("a job was stopped that nobody could stop")
    return summary


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
        handed back: None is returned. So it is of one that was to be cancelled, and is.

    Raises
    ------
    VoxlakeError
        As `run_job` does.
    """
    ledger = workspace.catalog.ledger
    recorder = Recorder(ledger, claim, stop or Event())
    job = recorder.patiently(lambda: ledger.get_job(claim.job))
    try:
        kind, work = kind_of(job), work_of(workspace, job)
    except Exception as error:
        ledger.set_state(claim, JobState.FAILED, str(error))
        raise
    with recorder:
        run = _Run(job, recorder, kind, work)
        try:
            if job.cancel_asked:
                cancel_claimed(workspace, claim)
                return None
            run = _checked(run)
            return _run_traced(run, report)
        except _Stopped:
            _hand_back(run)
            return None
        except ClusterLostError as error:
            _lose_cluster(run, error)
            raise
        except Exception as error:
            degraded = isinstance(error, JobFailedError)
            _end_badly(run, JobState.DEGRADED if degraded else JobState.FAILED, error)
            raise
        except BaseException:
            with suppress(VoxlakeError):
                recorder.flush()
                run.work.ledger.release(claim, "interrupted")
            raise


def _checked(run: _Run) -> _Run:
    """Return the run of a job that was asked for as that of the one it becomes."""
    recorder, workspace = run.recorder, run.work.workspace
    job = recorder.patiently(lambda: checked_job(workspace, recorder.claim, run.job))
    if job is run.job:
        return run
    return _Run(job, recorder, kind_of(job), work_of(workspace, job))


def _run_traced(run: _Run, report: Report) -> JobSummary:
    """Run the job as a part of what recorded it."""
    job = run.job
    origin = Origin(job.traceparent)
    with span(f"job {job.kind}", origin, job=job.id, dataset=str(job.dataset)):
        return _run(run, report)


def _run(run: _Run, report: Report) -> JobSummary:
    kind, work, patiently = run.kind, run.work, run.recorder.patiently
    began = time.monotonic()
    close_cached_sources()
    close_opened_volumes()
    patiently(lambda: kind.prepare(work))
    plans = patiently(lambda: kind.stages(work))
    for plan in plans:
        plan.check_memory(run.work.workspace.settings.memory_limit_bytes)
    # What is only forgotten need not be there.
    itemsize = patiently(lambda: _itemsize(work)) if plans else 1
    stages = _run_plans(run, itemsize, plans, report)
    patiently(lambda: kind.finish(work))
    answer = patiently(lambda: kind.answer(work))
    if answer is not None:
        patiently(lambda: record_answer(work.ledger, run.recorder.claim, answer))
    patiently(lambda: run.work.ledger.set_state(run.recorder.claim, JobState.DONE, ""))
    differences = patiently(lambda: tuple(kind.differences(work)))
    seconds = time.monotonic() - began
    return JobSummary(run.job.id, str(run.job.dataset), stages, seconds, itemsize, differences)


def _itemsize(work: Work[Any]) -> int:
    try:
        return work.dataset().level(0).dtype.itemsize
    except UNREADABLE:
        return 1  # which only the rate tells; fsck looks at what cannot be opened, too


def _run_plans(
    run: _Run, itemsize: int, plans: list[Plan], report: Report
) -> tuple[StageSummary, ...]:
    left = run.recorder.patiently(lambda: _begin_stages(run, plans))
    if left == 0:
        return tuple(StageSummary(plan.stage, len(plan), 0, 0, 0) for plan in plans)
    run.recorder.patiently(lambda: run.kind.begin(run.work))
    # Dask takes as long to load as all else, and a job that is only queued never needs it.
    from voxlake.compute.cluster.opening import open_cluster
    from voxlake.compute.cluster.room import RoomCheck
    from voxlake.compute.cluster.stream import run_tasks

    with open_cluster(run.work.workspace.settings, left) as cluster:
        run.recorder.patiently(lambda: _tell_dashboard(run, cluster.dashboard))
        has_room = RoomCheck(cluster.client, plans)

        def execute(
            pending: Pending, check: Callable[[], None], under_way: Callable[[int], None]
        ) -> Iterator[Finished]:
            def check_all() -> None:
                has_room()
                check()

            return run_tasks(cluster.client, pending, check_all, under_way)

        return tuple(_run_stage_traced(run, execute, itemsize, plan, report) for plan in plans)


def _tell_dashboard(run: _Run, dashboard: str | None) -> None:
    run.work.ledger.set_dashboard(run.recorder.claim, dashboard)


def _begin_stages(run: _Run, plans: list[Plan]) -> int:
    """Record what the job works through; return how many tasks are left."""
    for plan in plans:
        stage = StageRecord(plan.stage, len(plan), plan.fingerprint, plan.voxels)
        run.work.ledger.begin_stage(run.recorder.claim, stage)
    return sum(len(plan) - run.work.ledger.count_done(run.job.id, plan.stage) for plan in plans)


def _run_stage_traced(
    run: _Run, execute: _Execute, itemsize: int, plan: Plan, report: Report
) -> StageSummary:
    with span(f"stage {plan.stage}") as traced:
        summary = _run_stage(run, execute, itemsize, plan, report)
        traced.tell(tasks=summary.ran, voxels=summary.voxels)
        return summary


def _run_stage(
    run: _Run, execute: _Execute, itemsize: int, plan: Plan, report: Report
) -> StageSummary:
    recorder = run.recorder
    done = recorder.patiently(lambda: run.work.ledger.done_tasks(run.job.id, plan.stage))
    report(StageStarted(plan.stage, len(plan), done.count(1), plan.voxels, itemsize))
    began, ran, voxels = time.monotonic(), 0, 0
    recorder.begin(_tally(run, plan, done.count(1)))
    pending = Pending(plan, done, recorder.stop)

    def under_way(voxels: int) -> None:
        report(TasksUnderWay(plan.stage, voxels))

    for finished in execute(pending, _signs_of_life(run), under_way):
        if finished.error is not None:
            _note_failure(recorder, finished, pending)
            report(TaskFinished(plan.stage, 0, failed=True))
            continue
        result = finished.result or Result()
        recorder.done(finished.index, result)
        ran += 1
        voxels += result.voxels
        report(TaskFinished(plan.stage, result.voxels))
    recorder.end()
    recorder.check()
    if recorder.stop.is_set():
        raise _Stopped
    recorder.patiently(lambda: _check_none_failed(run, plan))
    return StageSummary(plan.stage, len(plan), ran, voxels, time.monotonic() - began)


def _tally(run: _Run, plan: Plan, done: int) -> StageTally:
    """Return how far the stage is; a runner that was killed has not recorded its last seconds."""
    stages = run.recorder.patiently(lambda: run.work.ledger.get_job(run.job.id)).stages
    before = next(stage.progress for stage in stages if stage.name == plan.stage)
    return StageTally(plan.stage, done, plan.voxels * done // max(1, len(plan)), before.bytes_done)


def _signs_of_life(run: _Run) -> Callable[[], None]:
    """Return what is called between tasks, and raises when the run has to end at once."""
    stopping: float | None = None
    renewed = time.monotonic()

    def give() -> None:
        nonlocal stopping, renewed
        run.recorder.check()
        now = time.monotonic()
        if now - renewed > RENEW_S:
            run.kind.renew(run.work)
            renewed = now
        if run.recorder.stop.is_set():
            stopping = stopping or now
            if now - stopping > GRACE_S:
                raise _Stopped

    return give


def _note_failure(recorder: Recorder, finished: Finished, pending: Pending) -> None:
    attempts = recorder.failed(finished.index, finished.report, finished.attempts)
    if isinstance(finished.error, FATAL):
        raise finished.error
    if attempts < ATTEMPTS:
        pending.try_again(finished.index)
        return
    pending.set_aside += 1
    if isinstance(finished.error, MemoryError) and finished.attempts > 1:
        pending.too_large += 1
    if pending.set_aside >= MOST_SET_ASIDE or pending.too_large >= MOST_TOO_LARGE:
        raise JobFailedError(
            f"{pending.set_aside} tasks failed {ATTEMPTS} times each, the last with: "
            f"{finished.report.strip().splitlines()[-1]}"
        )


def _check_none_failed(run: _Run, plan: Plan) -> None:
    failed = run.work.ledger.count_failed(run.job.id, plan.stage, ATTEMPTS)
    if failed == 0:
        return
    first = run.work.ledger.failures(run.job.id, limit=1)[0]
    raise JobFailedError(
        f"{failed} of {len(plan)} tasks of stage {plan.stage} failed {ATTEMPTS} times, "
        f"the first with: {first.error}"
    )


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
        run.work.ledger.release(recorder.claim, "its runner was stopped")
        return
    try:
        cancel_claimed(run.work.workspace, recorder.claim)
    except Exception as error:
        run.work.ledger.release(recorder.claim, f"could not be cancelled: {error}")
        raise
    raise ConflictError(f"job {run.job.id} was cancelled while it ran")


def _lose_cluster(run: _Run, error: ClusterLostError) -> None:
    """Leave a queued job to a worker that has a cluster; it is not the job that is at fault."""
    if run.job.queued_at is None:
        _end_badly(run, JobState.DEGRADED, error)
        return
    with suppress(StoreError, LeaseLostError):
        run.recorder.flush()
        run.work.ledger.release(run.recorder.claim, str(error))


def _end_badly(run: _Run, state: JobState, error: Exception) -> None:
    if isinstance(error, LeaseLostError):
        return
    # What went wrong first is what is to be told, even if the database is away as well.
    with suppress(StoreError, LeaseLostError, NotFoundError):
        run.recorder.flush()
        run.work.ledger.set_state(run.recorder.claim, state, str(error))
        if not isinstance(error, ConflictError):  # What is there is another's.
            run.kind.fail(run.work)
    error.add_note(f"what is done stays done; go on with: voxlake jobs resume {run.job.id}")
