"""Jobs: what one is, how far, and how its last run went."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from voxlake.documents.document import Document
from voxlake.documents.jobs.fsck import FindingDocument
from voxlake.documents.jobs.job_plan import JobPlan
from voxlake.documents.jobs.look import SourceLook
from voxlake.documents.places.deleted import PurgedDocument
from voxlake.platform.jobs.answers import answer_of
from voxlake.platform.jobs.record import ANSWER, JobState, TaskFailure
from voxlake.platform.jobs.runner import is_running

if TYPE_CHECKING:
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.jobs.record import Job, StageRecord

StateOfJob = JobState
"""How far a job is."""

MOST_FAILURES = 100
"""Failed tasks that are named; the stages say how many there are."""


WEB_ADDRESS = "^https?://"
"""What a link may lead to: a scheduler is not trusted to have no `javascript:`."""


class RunDocument(Document):
    """What one run of a job or of a stage did; what was done before is not in it."""

    tasks: int
    voxels: int = Field(description="Voxels that it wrote or compared, at all levels.")
    seconds: float


class StageDocument(Document):
    """One stage of a job."""

    name: str
    tasks: int
    done: int
    failed: int = Field(description="Tasks that failed and have not been done since.")
    voxels: int = Field(description="Voxels of all tasks together.")
    voxels_done: int
    bytes_done: int = Field(description="Bytes that tasks stored, where they say so.")
    tasks_per_s: float | None = Field(description="Lately; null while nothing runs.")
    voxels_per_s: float | None
    seconds_left: float | None
    run: RunDocument | None = Field(None, description="Null: it was not this command that ran it.")


class DifferenceDocument(Document):
    """A shard that is not what it must be."""

    shard: str
    different: int = Field(description="Voxels that differ.")
    note: str | None = None


class JobDocument(Document):
    """A job: what it is, and how far."""

    id: str
    kind: str
    dataset: str
    state: JobState
    running: bool = Field(
        description="Whether a runner has it: its lease lasts, and its process is not known to be "
        "dead."
    )
    queued: bool = Field(description="Whether it is left to workers.")
    waits_until: datetime | None = Field(
        None, description="Before then no worker takes it: what it deletes can be brought back."
    )
    cancelling: bool = Field(description="Whether its runner was asked to give it up.")
    message: str
    created_at: datetime
    updated_at: datetime
    host: str | None
    pid: int | None
    dashboard: Annotated[str, Field(pattern=WEB_ADDRESS)] | None = Field(
        None, description="Where to look at the Dask cluster that it runs on, while it does."
    )
    stages: tuple[StageDocument, ...]
    failures: tuple[TaskFailure, ...] = Field(
        (), description="Tasks that failed and have not been done since, if they were asked for."
    )
    by: str = Field("", description="Who asked for it over HTTP; empty: a command recorded it.")
    spec: dict[str, Any] = Field(description="What was asked for.")
    run: RunDocument | None = Field(None, description="Null: it was not this command that ran it.")
    itemsize: int | None = Field(None, description="Bytes of a voxel, where it is known.")
    verified: bool | None = Field(
        None, description="Of a verify job that was run: whether no voxel differs."
    )
    differences: tuple[DifferenceDocument, ...] = ()
    findings: tuple[FindingDocument, ...] = Field((), description="Of an fsck job that was run.")
    plan: JobPlan | None = Field(None, description="Of a plan job that is done.")
    look: SourceLook | None = Field(None, description="Of a look job that is done.")
    purged: tuple[PurgedDocument, ...] = Field(
        (), description="Of a job that has deleted datasets: how much it was; nothing is left."
    )

    @property
    def at_rest(self) -> bool:
        """Whether nobody works on it, nor will of their own accord."""
        awaited = self.state is JobState.QUEUED and self.queued and self.waits_until is None
        return not self.running and not awaited

    @property
    def share(self) -> float | None:
        """How much of its tasks is done, from 0 to 1; None: there are none yet."""
        tasks = sum(stage.tasks for stage in self.stages)
        return sum(stage.done for stage in self.stages) / tasks if tasks else None

    @property
    def seconds_left(self) -> float | None:
        """How long its stages that run take yet."""
        left = [stage.seconds_left for stage in self.stages if stage.seconds_left]
        return sum(left) if left and self.running else None


class JobList(Document):
    """Jobs of a lake, newest first."""

    jobs: tuple[JobDocument, ...]
    next: str | None = Field(None, description="What to ask for `after` then; null: that is all.")


class JobLog(Document):
    """Tasks of a job that failed and have not been done since."""

    failures: tuple[TaskFailure, ...]
    more: bool = Field(default=False, description="Whether there are others, which are not told.")


class JobsRun(Document):
    """The jobs that a command has run."""

    jobs: tuple[JobDocument, ...] = Field(description="In the order in which they ran.")


class ImportRun(Document):
    """What an import has done."""

    job: JobDocument | None = Field(description="Null: the voxels were there.")
    written: tuple[str, ...] = Field(description="What is said of the channel, and was written.")
    left: tuple[str, ...] = Field(description="What of it was not, and why.")


class WorkerDocument(Document):
    """What a worker did before it ended."""

    jobs: int = Field(description="Jobs that it took from the queue.")
    ended: dict[str, int] = Field(
        description="How many of them ended in which state; `queued`: handed back."
    )


def job_document(ledger: Ledger, job: Job, *, whole: bool = True) -> JobDocument:
    """Return what the ledger says of a job.

    Parameters
    ----------
    ledger, job
        The job, and where it is kept.
    whole
        Whether to count its tasks anew and to name those that failed; else its runner's last word
        on its progress counts, which is a few seconds old.
    """
    return JobDocument(
        **(answer_of(ledger, job.id) or {} if whole else {}),
        id=job.id,
        kind=job.becomes,
        dataset=str(job.dataset),
        state=job.state,
        running=is_running(job),
        queued=job.queued_at is not None,
        waits_until=_waits_until(job),
        cancelling=job.cancel_asked,
        message=job.message,
        created_at=job.created_at,
        updated_at=job.updated_at,
        host=job.host,
        pid=job.pid,
        dashboard=_dashboard(job),
        by=job.by,
        stages=tuple(
            _stage(ledger, job, stage, whole=whole) for stage in job.stages if stage.name != ANSWER
        ),
        failures=tuple(ledger.failures(job.id, limit=MOST_FAILURES)) if whole else (),
        spec=dict(job.spec),
    )


def _waits_until(job: Job) -> datetime | None:
    if job.state is not JobState.QUEUED or job.queued_at is None:
        return None
    return job.queued_at if job.queued_at > datetime.now(UTC) else None


def _dashboard(job: Job) -> str | None:
    told = job.dashboard or ""
    return told if is_running(job) and re.match(WEB_ADDRESS, told) else None


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
