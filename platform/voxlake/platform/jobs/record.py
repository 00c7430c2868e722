"""What the ledger knows of a job, its stages and its failed tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One plan of a job: tasks ``[0, tasks)``."""

    name: str
    tasks: int
    fingerprint: str
    """Of the plan: the same tasks have the same fingerprint."""


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


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A task that failed and has not been done since."""

    stage: str
    index: int
    attempts: int
    traceback: str
    """Of the last attempt."""
