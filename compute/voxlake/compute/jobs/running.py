"""Run jobs: what is done is in the ledger, so any process may die and another go on."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.compute.jobs.events import Report, StageStarted, TaskFinished, silent
from voxlake.compute.jobs.spec import IngestSpec, VerifySpec, spec_of
from voxlake.compute.jobs.stages import create_target, plan_stages
from voxlake.compute.run import Finished, open_cluster, run_tasks
from voxlake.ngff.lake import dataset_url
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    JobFailedError,
    NotFoundError,
    PlanChangedError,
    StoreFullError,
    StoreReadOnlyError,
)
from voxlake.platform.jobs import JobState, is_running

if TYPE_CHECKING:
    from distributed import Client

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan, Task
    from voxlake.platform.jobs import JSON, Job

ATTEMPTS = 3
"""After so many failures a task is set aside and the job ends degraded."""

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
    differences: tuple[dict[str, JSON], ...] = field(default=())
    """Shards that a verify job found to differ."""

    @property
    def voxels(self) -> int:
        """Voxels that this run wrote or compared, at all levels."""
        return sum(stage.voxels for stage in self.stages)

    @property
    def shards(self) -> int:
        """Tasks that this run did."""
        return sum(stage.ran for stage in self.stages)


def run_job(workspace: Workspace, job: Job, report: Report = silent) -> JobSummary:
    """Run a job to its end, from wherever the ledger says it stands.

    Raises
    ------
    ConflictError
        If another live process runs it.
    JobFailedError
        If tasks failed three times each, or the cluster was lost; what is done stays done.
    StoreFullError, StoreReadOnlyError, PlanChangedError, InvalidInputError
        If a task met what trying again cannot mend.
    """
    ledger = workspace.catalog.ledger
    _check_sole(workspace, job)
    ledger.claim(job.id)
    try:
        return _run(workspace, job, report)
    except JobFailedError as error:
        _end_badly(workspace, job, JobState.DEGRADED, error)
        raise
    except Exception as error:
        _end_badly(workspace, job, JobState.FAILED, error)
        raise


def resume_job(workspace: Workspace, job_id: str, report: Report = silent) -> JobSummary:
    """Go on with a job that was killed, failed or ended degraded.

    Raises
    ------
    NotFoundError
        If there is no such job.
    ConflictError
        If it is done, cancelled, or running in a live process.
    """
    ledger = workspace.catalog.ledger
    job = ledger.get_job(job_id)
    if job.state in {JobState.DONE, JobState.CANCELLED}:
        raise ConflictError(f"job {job_id} is {job.state}; there is nothing to resume")
    ledger.clear_failures(job_id)
    return run_job(workspace, job, report)


def _run(workspace: Workspace, job: Job, report: Report) -> JobSummary:
    spec = spec_of(job)
    began = time.monotonic()
    if isinstance(spec, IngestSpec):
        create_target(workspace, spec)
    plans = plan_stages(workspace, spec)
    for plan in plans:
        plan.check_memory(workspace.settings.memory_limit_bytes)
    stages = _run_plans(workspace, job, plans, report)
    if not isinstance(spec, VerifySpec):
        store.sweep(dataset_url(workspace.lake, spec.place))
        store.sweep(workspace.index_url(spec.place))
    if isinstance(spec, IngestSpec):
        workspace.catalog.set_dataset_state(spec.place.name, DatasetState.READY)
    workspace.catalog.ledger.set_state(job.id, JobState.DONE, "")
    return JobSummary(
        job.id,
        str(job.dataset),
        stages,
        time.monotonic() - began,
        tuple(_differences(workspace, job, plans)),
    )


def _run_plans(
    workspace: Workspace, job: Job, plans: list[Plan], report: Report
) -> tuple[StageSummary, ...]:
    ledger = workspace.catalog.ledger
    for plan in plans:
        ledger.begin_stage(job.id, plan.stage, len(plan), plan.fingerprint)
    left = sum(len(plan) - len(ledger.done_tasks(job.id, plan.stage)) for plan in plans)
    if left == 0:
        return tuple(StageSummary(plan.stage, len(plan), 0, 0, 0) for plan in plans)
    with open_cluster(workspace.settings, left) as client:
        return tuple(_run_stage(workspace, client, job, plan, report) for plan in plans)


def _run_stage(
    workspace: Workspace, client: Client, job: Job, plan: Plan, report: Report
) -> StageSummary:
    ledger = workspace.catalog.ledger
    done = ledger.done_tasks(job.id, plan.stage)
    report(StageStarted(plan.stage, len(plan), len(done), plan.voxels))
    began, ran, voxels = time.monotonic(), 0, 0
    pending = _Pending(plan, done)
    for finished in run_tasks(client, pending):
        if finished.error is not None:
            _note_failure(workspace, job, plan, finished, pending)
            report(TaskFinished(plan.stage, 0, failed=True))
            continue
        result = finished.result or {}
        ledger.record_done(job.id, plan.stage, finished.index, result)
        ran += 1
        voxels += int(result.get("voxels") or 0)
        report(TaskFinished(plan.stage, int(result.get("voxels") or 0)))
    _check_none_failed(workspace, job, plan)
    return StageSummary(plan.stage, len(plan), ran, voxels, time.monotonic() - began)


class _Pending(Iterator[tuple[int, "Task"]]):
    """The tasks still to run; those that failed come again at the end."""

    def __init__(self, plan: Plan, done: set[int]) -> None:
        self._plan = plan
        self._fresh = itertools.filterfalse(done.__contains__, range(len(plan)))
        self._again: deque[int] = deque()

    def try_again(self, index: int) -> None:
        self._again.append(index)

    def __next__(self) -> tuple[int, Task]:
        index = next(self._fresh, None)
        if index is None:
            if not self._again:
                raise StopIteration
            index = self._again.popleft()
        return index, self._plan.task(index)


def _note_failure(
    workspace: Workspace, job: Job, plan: Plan, finished: Finished, pending: _Pending
) -> None:
    attempts = workspace.catalog.ledger.record_failure(
        job.id, plan.stage, finished.index, finished.report
    )
    if isinstance(finished.error, FATAL):
        raise finished.error
    if attempts < ATTEMPTS:
        pending.try_again(finished.index)


def _check_none_failed(workspace: Workspace, job: Job, plan: Plan) -> None:
    failed = [
        failure
        for failure in workspace.catalog.ledger.failures(job.id)
        if failure.stage == plan.stage and failure.attempts >= ATTEMPTS
    ]
    if failed:
        last = failed[0].traceback.strip().splitlines()[-1]
        raise JobFailedError(
            f"{len(failed)} of {len(plan)} tasks of stage {plan.stage} failed {ATTEMPTS} times, "
            f"the first with: {last}"
        )


def _differences(workspace: Workspace, job: Job, plans: list[Plan]) -> Iterator[dict[str, JSON]]:
    for plan in plans:
        for result in workspace.catalog.ledger.results(job.id, plan.stage):
            if result.get("different"):
                yield result


def _check_sole(workspace: Workspace, job: Job) -> None:
    for other in workspace.catalog.ledger.list_jobs():
        if other.id != job.id and other.dataset == job.dataset and is_running(other):
            raise ConflictError(
                f"job {other.id} is at work on {job.dataset}; wait for it or cancel it"
            )


def _end_badly(workspace: Workspace, job: Job, state: JobState, error: Exception) -> None:
    workspace.catalog.ledger.set_state(job.id, state, str(error))
    if isinstance(spec_of(job), IngestSpec) and not isinstance(error, ConflictError):
        with suppress(NotFoundError):
            workspace.catalog.set_dataset_state(job.dataset, DatasetState.FAILED)
    error.add_note(f"what is done stays done; go on with: voxlake jobs resume {job.id}")
