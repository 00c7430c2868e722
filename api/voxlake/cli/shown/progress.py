"""Progress of a job on stderr: bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from voxlake.cli.shown.output import console_of, rate
from voxlake.compute.jobs import StageStarted

if TYPE_CHECKING:
    from voxlake.compute.jobs import Event, Report

EVERY_S = 10.0
"""Seconds between two plain lines of one stage."""


@contextmanager
def progress() -> Iterator[Report]:
    """Yield what a job reports to."""
    if not sys.stderr.isatty():
        yield Lines(sys.stderr)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console_of(sys.stderr)) as bars:
        yield _Bars(bars)


@dataclass(slots=True)
class Lines:
    """Writes a line when a stage begins and ends, and now and then between."""

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _stage: _Stage = field(init=False)

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        now = self.clock()
        if isinstance(event, StageStarted):
            self._stage = _Stage(event, event.done, now, now)
            self._write(f"{event.tasks - event.done} of {event.tasks} tasks to do")
            return
        stage = self._stage
        stage.count(event.voxels, failed=event.failed)
        if event.failed:
            self._write("a task failed; it is tried again up to three times")
        elif stage.done >= stage.started.tasks or now - stage.written >= EVERY_S:
            stage.written = now
            self._write(stage.text(now))

    def _write(self, text: str) -> None:
        self.stream.write(f"{self._stage.started.stage}: {text}\n")
        self.stream.flush()


@dataclass(slots=True)
class _Stage:
    started: StageStarted
    done: int
    began: float
    written: float
    voxels: int = 0

    def count(self, voxels: int, *, failed: bool) -> None:
        self.voxels += voxels
        self.done += not failed

    def text(self, now: float) -> str:
        started, seconds = self.started, now - self.began
        line = f"{self.done} of {started.tasks} tasks"
        if started.voxels:
            line += f", {rate(self.voxels, started.itemsize, seconds)}"
        if self.done >= started.tasks or not self.voxels:
            return line
        share = (started.tasks - self.done) / started.tasks
        left = share * started.voxels / (self.voxels / seconds) if seconds > 0 else 0.0
        return f"{line}, {left:.0f} s left"


class _Bars:
    """Draws a bar for each stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = TaskID(0)
        self._failed = 0
        self._by_voxels = True

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStarted):
            # Stages that handle no voxels, like those of the label index, advance by tasks.
            self._by_voxels = event.voxels > 0
            total = event.voxels or event.tasks
            before = total * event.done // max(1, event.tasks)
            self._failed = 0
            self._task = self._bars.add_task(
                event.stage,
                total=total,
                completed=before,
                voxels=self._by_voxels,
                itemsize=event.itemsize,
            )
            return
        self._bars.advance(self._task, event.voxels if self._by_voxels else not event.failed)
        if event.failed:
            self._failed += 1
            title = f"{event.stage} ({self._failed} failed)"
            self._bars.update(self._task, description=title)


class _RateColumn(ProgressColumn):
    """Bytes and voxels a second, of stages that handle voxels."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last seconds."""
        if not task.fields["voxels"]:
            return Text()
        speed = task.finished_speed or task.speed or 0.0
        return Text(rate(round(speed), task.fields["itemsize"], 1.0))
