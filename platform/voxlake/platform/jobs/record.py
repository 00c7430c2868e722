"""What the ledger knows of a job, its stages and its failed tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.platform.names import DatasetName

type JSON = bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEGRADED = "degraded"
    """It ended, with some tasks set aside after too many failures; it can be retried."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its runner stopped or died in the midst; it can be resumed."""


ENDED = frozenset({JobState.DONE, JobState.CANCELLED})
"""States after which a job runs no more."""

ANSWER = "answer"
"""Stage of one task that no plan has: what a job as a whole has found out is its result."""

START = "start"
"""Kind of a job that was asked for over HTTP and that a worker has yet to check: its `spec` has
what was `asked`, and it becomes the job that does it."""

LOOK = "look"
"""Kind of a job that looks at a source: its dataset is what may become of it, and need not be."""

PICTURE = "picture"
"""What of the answer of a job is a picture, which no document has."""

UNFINISHED = frozenset(JobState) - ENDED
"""States of a job that has yet to be done: it runs, waits, or can be resumed."""


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Who asked for a job over HTTP."""

    user: int | None = None
    """None: the lake's owner, or nobody: a command recorded it."""
    name: str = ""
    """What they are called; empty: a command recorded it."""


COMMAND = AskedBy()
"""A job that a command records, or another job."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far a stage is, as its runner last told: a few seconds old while it runs."""

    done: int = 0
    """Tasks."""
    failed: int = 0
    """Tasks that failed and have not been done since."""
    voxels_done: int = 0
    """Voxels that the tasks of all runs wrote or compared."""
    bytes_done: int = 0
    """Bytes that tasks stored, where they say so."""
    tasks_per_s: float | None = None
    """Lately; None while nothing runs."""


MOST_COUNTED = (1 << 63) - 1
"""Voxels, or tasks, of one plan: what a number of the database holds."""


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One plan of a job: tasks ``[0, tasks)``."""

    name: str
    tasks: int
    fingerprint: str
    """Of the plan: the same tasks have the same fingerprint."""
    voxels: int = 0
    """Voxels that all tasks together write or compare."""
    progress: StageProgress = StageProgress()

    def __post_init__(self) -> None:
        if max(self.voxels, self.tasks) > MOST_COUNTED:
            raise LimitExceededError(
                f"a job of {self.voxels} voxels in {self.tasks} tasks was asked for; one has "
                f"{MOST_COUNTED} of either at most"
            )

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the present rate; None if there is none to go by."""
        rate = self.progress.tasks_per_s
        return (self.tasks - self.progress.done) / rate if rate else None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a job, until the lease ends or a newer claim is made."""

    job: str
    fence: int
    """Rises with every claim of the job; what a runner with a lower one writes is refused."""
    lease_s: float
    """Seconds that the claim lasts unless it is renewed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A recorded run."""

    id: str
    """A ULID: sorts by creation."""
    kind: str
    """What it does: ``ingest``, ``downsample``, ``index``, ..."""
    dataset: DatasetName
    state: JobState
    spec: dict[str, JSON]
    """What was asked for; enough to build its plans again."""
    stages: tuple[StageRecord, ...]
    """Those begun, in that order."""
    created_at: datetime
    updated_at: datetime
    message: str
    """The last word on its state, for people."""
    host: str | None
    """The machine of its runner, the last process that claimed it."""
    pid: int | None
    pid_started: float | None
    """When that process started, in seconds since 1970: a pid alone may be another's by now."""
    machine: str | None = None
    """What tells its machine from others of the same name (see `runner.this_machine`)."""
    fence: int = 0
    """That of the newest claim."""
    lease_until: datetime | None = None
    """When its runner counts as lost, by the database's clock."""
    queued_at: datetime | None = None
    """When it was given to workers; None if whoever recorded it runs it."""
    cancel_asked: bool = False
    """Whether its runner, or the next one, has been asked to give it up."""
    user: int | None = None
    """Who asked for it over HTTP; None: the lake's owner, or a command."""
    by: str = ""
    """The same, as they were called; empty: a command recorded it."""
    traceparent: str | None = None
    """The span in which it was recorded (see `voxlake.platform.telemetry.traces`)."""
    dashboard: str | None = None
    """Where people look at the cluster that it runs on; None: nowhere, or it does not run."""

    @property
    def becomes(self) -> str:
        """Its kind, or that which it is of once what was asked for is checked."""
        asked = self.spec.get("asked")
        if self.kind == START and isinstance(asked, Mapping):
            return str(asked.get("kind"))
        return self.kind


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A task that failed and has not been done since."""

    stage: str
    index: int
    attempts: int
    traceback: str
    """Of the last attempt."""

    @property
    def error(self) -> str:
        """The last line of the traceback."""
        return self.traceback.strip().rpartition("\n")[2]
