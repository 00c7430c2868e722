"""Jobs, as the commands that show them answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from voxlake.cli.shown.output import Document, facts, table
from voxlake.platform.jobs import Job, JobState, Ledger, StageRecord, is_running

MOST_FAILURES = 100
"""Failed tasks that are shown; the stages say how many there are."""


class StageDocument(Document):
    """One stage of a job."""

    name: str
    tasks: int
    done: int
    failed: int
    """Tasks that failed and have not been done since."""
    voxels: int
    """Voxels of all tasks together."""
    voxels_done: int
    bytes_done: int
    """Bytes that tasks stored, where they say so."""
    tasks_per_s: float | None
    """Lately; null while nothing runs."""
    voxels_per_s: float | None
    seconds_left: float | None

    @property
    def shown(self) -> tuple[object, ...]:
        """The row that people see."""
        speed = f"{self.voxels_per_s / 1e6:.2f} Mvoxels/s" if self.voxels_per_s else None
        left = f"{timedelta(seconds=round(self.seconds_left))}" if self.seconds_left else None
        return (self.name, self.tasks, self.done, self.failed, self.voxels_done, speed, left)


class FailureDocument(Document):
    """A task that failed and has not been done since."""

    stage: str
    task: int
    attempts: int
    error: str
    """Last line of the traceback."""
    traceback: str


class JobDocument(Document):
    """A job: what it is, and how far."""

    id: str
    kind: str
    dataset: str
    state: str
    running: bool
    """Whether a runner has it: its lease lasts, and its process is not known to be dead."""
    queued: bool
    """Whether workers may take it."""
    cancelling: bool
    """Whether its runner was asked to give it up."""
    message: str
    created_at: datetime
    updated_at: datetime
    host: str | None
    pid: int | None
    stages: tuple[StageDocument, ...]
    failures: tuple[FailureDocument, ...] = ()
    spec: dict[str, Any]
    """What was asked for."""

    @property
    def said(self) -> str:
        """The state, for people: a job whose process died is "running" to the ledger."""
        if self.state != JobState.RUNNING:
            return self.state
        if not self.running:
            return f"interrupted on {self.host}"
        return "being cancelled" if self.cancelling else self.state

    @property
    def seconds_left(self) -> float | None:
        """How long its stages that run take yet."""
        left = [stage.seconds_left for stage in self.stages if stage.seconds_left]
        return sum(left) if left and self.running else None


class JobList(Document):
    """The jobs of a lake, newest first."""

    jobs: tuple[JobDocument, ...]


def job_document(ledger: Ledger, job: Job, *, whole: bool = True) -> JobDocument:
    """Return what there is to say about a job.

    Parameters
    ----------
    ledger, job
        The job, and where it is kept.
    whole
        Whether to count its tasks anew and to name those that failed; else its runner's last word
        on its progress counts, which is a few seconds old.
    """
    return JobDocument(
        id=job.id,
        kind=job.kind,
        dataset=str(job.dataset),
        state=job.state,
        running=is_running(job),
        queued=job.queued_at is not None,
        cancelling=job.cancel_asked,
        message=job.message,
        created_at=job.created_at,
        updated_at=job.updated_at,
        host=job.host,
        pid=job.pid,
        stages=tuple(_stage(ledger, job, stage, whole=whole) for stage in job.stages),
        failures=tuple(_failures(ledger, job)) if whole else (),
        spec=dict(job.spec),
    )


def shown_jobs(jobs: Sequence[JobDocument]) -> Table:
    """Return a table of jobs."""
    rows = (
        (job.id, job.kind, job.dataset, job.said, _share(job), _left(job), job.updated_at)
        for job in jobs
    )
    return table(("job", "kind", "dataset", "state", "done#", "left#", "updated"), rows)


def shown_job(job: JobDocument) -> Iterable[RenderableType]:
    """Yield what people see of one job."""
    yield facts(
        (
            ("job", job.id),
            ("kind", job.kind),
            ("dataset", job.dataset),
            ("state", job.said),
            ("message", job.message),
            ("created", job.created_at),
            ("updated", job.updated_at),
            ("process", f"{job.pid} on {job.host}" if job.pid else None),
        )
    )
    yield table(
        ("stage", "tasks#", "done#", "failed#", "voxels#", "rate#", "left#"),
        (stage.shown for stage in job.stages),
    )
    if job.failures:
        rows = ((each.stage, each.task, each.attempts, each.error) for each in job.failures)
        yield table(("failed in", "task#", "attempts#", "error"), rows)


def _stage(ledger: Ledger, job: Job, stage: StageRecord, *, whole: bool) -> StageDocument:
    progress = stage.progress
    rate = progress.tasks_per_s if is_running(job) else None
    each = stage.voxels / stage.tasks if stage.tasks else 0.0
    return StageDocument(
        name=stage.name,
        tasks=stage.tasks,
        done=ledger.count_done(job.id, stage.name) if whole else progress.done,
        failed=progress.failed,
        voxels=stage.voxels,
        voxels_done=progress.voxels_done,
        bytes_done=progress.bytes_done,
        tasks_per_s=rate,
        voxels_per_s=rate * each if rate is not None else None,
        seconds_left=stage.seconds_left if rate is not None else None,
    )


def _failures(ledger: Ledger, job: Job) -> Iterable[FailureDocument]:
    for failure in ledger.failures(job.id, limit=MOST_FAILURES):
        lines = failure.traceback.strip().splitlines()
        yield FailureDocument(
            stage=failure.stage,
            task=failure.index,
            attempts=failure.attempts,
            error=lines[-1] if lines else "",
            traceback=failure.traceback,
        )


def _left(job: JobDocument) -> str | None:
    left = job.seconds_left
    return None if left is None else f"{timedelta(seconds=round(left))}"


def _share(job: JobDocument) -> str:
    tasks = sum(stage.tasks for stage in job.stages)
    return f"{100 * sum(stage.done for stage in job.stages) // tasks} %" if tasks else ""
