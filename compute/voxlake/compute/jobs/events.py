"""What a running job tells of its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins, or goes on after a resume."""

    stage: str
    tasks: int
    """Tasks in all."""
    done: int
    """Tasks that the ledger says were done before."""
    voxels: int
    """Voxels in all."""
    itemsize: int = 1
    """Bytes of a voxel."""


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """A task was done, or failed."""

    stage: str
    voxels: int
    """Voxels that it wrote or compared; 0 if it failed."""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class TasksUnderWay:
    """How far the tasks are that have not finished."""

    stage: str
    voxels: int
    """Voxels that they have done so far."""


type Event = StageStarted | TasksUnderWay | TaskFinished
type Report = Callable[[Event], None]


def silent(event: Event) -> None:
    """Report nothing."""
