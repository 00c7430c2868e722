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
from voxlake.compute.jobs import StageStarted, TasksUnderWay

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
    _stage: StageStarted = field(init=False)
    _done: int = 0
    _voxels: int = 0
    """Since the stage began."""
    _under_way: int = 0
    """Of tasks that have not finished."""
    _began: float = 0.0
    _written: float = 0.0

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        now = self.clock()
        if isinstance(event, StageStarted):
            self._stage, self._done, self._voxels, self._under_way = event, event.done, 0, 0
            self._began = self._written = now
            self._write(f"{event.tasks - event.done} of {event.tasks} tasks to do")
            return
        if isinstance(event, TasksUnderWay):
            self._under_way = event.voxels
            if event.voxels and now - self._written >= EVERY_S:
                self._written = now
                self._write(self._text(now - self._began))
            return
        self._voxels += event.voxels
        self._under_way = max(0, self._under_way - event.voxels)
        self._done += not event.failed
        if event.failed:
            self._write("a task failed; it is tried again up to three times")
        elif self._done >= self._stage.tasks or now - self._written >= EVERY_S:
            self._written = now
            self._write(self._text(now - self._began))

    def _write(self, text: str) -> None:
        self.stream.write(f"{self._stage.stage}: {text}\n")
        self.stream.flush()

    def _text(self, seconds: float) -> str:
        stage, handled = self._stage, self._voxels + self._under_way
        line = f"{self._done} of {stage.tasks} tasks"
        if stage.voxels:
            line += f", {rate(handled, stage.itemsize, seconds)}"
        if self._done >= stage.tasks or not handled:
            return line
        left = (stage.tasks - self._done) / stage.tasks * stage.voxels - self._under_way
        return f"{line}, {max(0.0, left) * seconds / handled:.0f} s left"


class _Bars:
    """Draws a bar for each stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = TaskID(0)
        self._failed = 0
        self._by_voxels = True
        self._done = self._under_way = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStarted):
            # Stages that handle no voxels, like those of the label index, advance by tasks.
            self._by_voxels = event.voxels > 0
            total = event.voxels or event.tasks
            before = total * event.done // max(1, event.tasks)
            self._failed, self._done, self._under_way = 0, before, 0
            self._task = self._bars.add_task(
                event.stage,
                total=total,
                completed=before,
                voxels=self._by_voxels,
                itemsize=event.itemsize,
            )
            return
        if isinstance(event, TasksUnderWay):
            self._under_way = event.voxels
            self._show()
            return
        self._done += event.voxels if self._by_voxels else not event.failed
        self._under_way = max(0, self._under_way - event.voxels)
        self._show()
        if event.failed:
            self._failed += 1
            title = f"{event.stage} ({self._failed} failed)"
            self._bars.update(self._task, description=title)

    def _show(self) -> None:
        shown = self._done + (self._under_way if self._by_voxels else 0)
        self._bars.update(self._task, completed=shown)


class _RateColumn(ProgressColumn):
    """Bytes and voxels a second, of stages that handle voxels."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last seconds."""
        if not task.fields["voxels"]:
            return Text()
        speed = task.finished_speed or task.speed or 0.0
        return Text(rate(round(speed), task.fields["itemsize"], 1.0))
