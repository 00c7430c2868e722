"""Jobs, as the commands that show them answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from voxlake.cli.output import Document, facts, table
from voxlake.platform.jobs import Job, JobState, Ledger, is_running


class StageDocument(Document):
    """One stage of a job: as many tasks as the target has shards."""

    name: str
    tasks: int
    done: int


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
    """Whether a live process of this machine runs it."""
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
        stopped = self.state == JobState.RUNNING and not self.running
        return f"interrupted on {self.host}" if stopped else self.state


class JobList(Document):
    """The jobs of a lake, newest first."""

    jobs: tuple[JobDocument, ...]


def job_document(ledger: Ledger, job: Job, *, failures: bool = True) -> JobDocument:
    """Return what there is to say about a job, its failed tasks included if wanted."""
    return JobDocument(
        id=job.id,
        kind=job.kind,
        dataset=str(job.dataset),
        state=job.state,
        running=is_running(job),
        message=job.message,
        created_at=job.created_at,
        updated_at=job.updated_at,
        host=job.host,
        pid=job.pid,
        stages=tuple(
            StageDocument(
                name=stage.name, tasks=stage.tasks, done=ledger.count_done(job.id, stage.name)
            )
            for stage in job.stages
        ),
        failures=tuple(_failures(ledger, job)) if failures else (),
        spec=dict(job.spec),
    )


def shown_jobs(jobs: Sequence[JobDocument]) -> Table:
    """Return a table of jobs."""
    rows = ((job.id, job.kind, job.dataset, job.said, _share(job), job.updated_at) for job in jobs)
    return table(("job", "kind", "dataset", "state", "done#", "updated"), rows)


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
        ("stage", "shards#", "done#"),
        ((stage.name, stage.tasks, stage.done) for stage in job.stages),
    )
    if job.failures:
        rows = ((each.stage, each.task, each.attempts, each.error) for each in job.failures)
        yield table(("failed in", "task#", "attempts#", "error"), rows)


def _failures(ledger: Ledger, job: Job) -> Iterable[FailureDocument]:
    for failure in ledger.failures(job.id):
        lines = failure.traceback.strip().splitlines()
        yield FailureDocument(
            stage=failure.stage,
            task=failure.index,
            attempts=failure.attempts,
            error=lines[-1] if lines else "",
            traceback=failure.traceback,
        )


def _share(job: JobDocument) -> str:
    tasks = sum(stage.tasks for stage in job.stages)
    return f"{100 * sum(stage.done for stage in job.stages) // tasks} %" if tasks else ""
