"""How a lake and a gateway of it are, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from voxlake.documents.document import Document
from voxlake.documents.service.lake import CheckDocument
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from voxlake.platform.jobs.runners import Runner, Trouble
    from voxlake.platform.jobs.workers import WorkerRecord


class RunnerDocument(Document):
    """A process that runs a job."""

    job: str
    kind: str
    dataset: str
    host: str
    pid: int
    seen_at: datetime = Field(description="When it last gave a sign of life.")
    lives: bool = Field(description="False: it is gone, and the job is for the next to take up.")


class WorkerRecordDocument(Document):
    """A worker, as it was heard of last."""

    host: str
    pid: int
    version: str = Field(description="Of voxlake, where it runs.")
    seen_at: datetime = Field(description="When it waited for a job, or took one.")
    job: str | None = Field(description="The one that it took; null: it waits.")
    lives: bool = Field(description="Whether it holds its job, or has been heard of lately.")


class TroubledJobDocument(Document):
    """A job that somebody has to look at."""

    job: str
    kind: str
    dataset: str
    state: JobState
    message: str
    since: datetime


class StatusDocument(Document):
    """How a lake and a gateway of it are."""

    ok: bool = Field(description="Whether no check fails; warnings are no failures.")
    at: datetime = Field(description="When it was looked at.")
    version: str = Field(description="Of voxlake, here.")
    checks: tuple[CheckDocument, ...]
    jobs: dict[JobState, int] = Field(description="How many there are in each state.")
    waited_s: float = Field(
        ge=0, description="Seconds that the oldest queued job waits for a worker."
    )
    runners: tuple[RunnerDocument, ...] = Field(
        description="Those that were heard of last come first."
    )
    workers: tuple[WorkerRecordDocument, ...] = Field(
        description="Of the last day, but for those that said that they end; of late first."
    )
    troubled: tuple[TroubledJobDocument, ...] = Field(
        description="Jobs that failed or were left, those of late first, 20 at most."
    )


def runner_document(runner: Runner) -> RunnerDocument:
    """Return a process that runs a job."""
    return RunnerDocument.model_validate(runner)


def worker_record_document(worker: WorkerRecord) -> WorkerRecordDocument:
    """Return a worker."""
    return WorkerRecordDocument.model_validate(worker)


def troubled_document(trouble: Trouble) -> TroubledJobDocument:
    """Return a job that somebody has to look at."""
    return TroubledJobDocument.model_validate(trouble)
