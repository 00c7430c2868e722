"""Progress, without a terminal and with one."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import Progress

from voxlake.cli.shown.progress import EVERY_S, Lines, _Bars, _RateColumn
from voxlake.compute.jobs import StageStarted, TaskFinished, TasksUnderWay

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from tests.api.cli.conftest import Command


def test_plain_lines_are_few_and_tell_rate_and_time_left() -> None:
    now = iter([0.0, 1.0, EVERY_S, EVERY_S + 1, 20.0])
    stream = io.StringIO()
    lines = Lines(stream, lambda: next(now))
    lines(StageStarted("ingest", tasks=4, done=0, voxels=4_000_000, itemsize=2))
    lines(TaskFinished("ingest", 1_000_000))
    lines(TaskFinished("ingest", 1_000_000))
    lines(TaskFinished("ingest", 1_000_000))
    lines(TaskFinished("ingest", 1_000_000))
    assert stream.getvalue().splitlines() == [
        "ingest: 4 of 4 tasks to do",
        "ingest: 2 of 4 tasks, 400.0 kB/s, 0.20 Mvoxels/s, 10 s left",
        "ingest: 4 of 4 tasks, 400.0 kB/s, 0.20 Mvoxels/s",
    ]


def test_plain_lines_tell_of_failures_and_of_what_was_done_before() -> None:
    stream = io.StringIO()
    lines = Lines(stream, lambda: 0.0)
    lines(StageStarted("index", tasks=3, done=2, voxels=30))
    lines(TaskFinished("index", 0, failed=True))
    lines(TaskFinished("index", 10))
    first, second, third = stream.getvalue().splitlines()
    assert first == "index: 1 of 3 tasks to do"
    assert "failed" in second
    assert third.startswith("index: 3 of 3 tasks")


def test_terminal_sees_bars_and_stdout_the_document(
    voxlake: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with _terminal() as (terminal, seen):
        monkeypatch.setattr(sys, "stderr", terminal)
        answer = voxlake("ingest", "phantom:40", "a/b/c", "--kind", "image")
        monkeypatch.undo()
    assert answer.ok()["state"] == "done"
    assert re.search(rb"ingest .*100%.*/s, .*voxels/s", b"".join(seen))


@contextmanager
def _terminal() -> Iterator[tuple[TextIO, list[bytes]]]:
    """Yield a terminal, and what was written to it once it is left."""
    master, slave = pty.openpty()
    seen: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(master, seen))
    reader.start()
    try:
        with os.fdopen(slave, "w") as terminal:
            yield terminal, seen
    finally:
        reader.join()
        os.close(master)


def _drain(master: int, seen: list[bytes]) -> None:
    try:
        while part := os.read(master, 1 << 16):
            seen.append(part)
    except OSError:  # Linux: the other end is closed and all was read.
        return


def test_a_stage_without_voxels_is_counted_in_tasks() -> None:
    stream = io.StringIO()
    lines = Lines(stream, lambda: 0.0)
    lines(StageStarted("index-runs", tasks=1, done=0, voxels=0))
    lines(TaskFinished("index-runs", 0))
    assert stream.getvalue().splitlines()[-1] == "index-runs: 1 of 1 tasks"


def test_bars_fill_by_voxels_and_without_any_by_tasks() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with Progress(console=console) as shown:
        bars = _Bars(shown)
        for stage, voxels in (("level-0", 1000), ("index-runs", 0)):
            bars(StageStarted(stage, tasks=4, done=1, voxels=voxels))
            bars(TaskFinished(stage, voxels // 4))
            assert shown.tasks[-1].percentage == 50
            said = _RateColumn().render(shown.tasks[-1]).plain
            assert bool(said) == bool(voxels)


def test_progress_moves_within_a_task() -> None:
    now = iter([0.0, EVERY_S, 2 * EVERY_S, 20.0])
    stream = io.StringIO()
    lines = Lines(stream, lambda: next(now))
    lines(StageStarted("ingest", tasks=1, done=0, voxels=4_000_000, itemsize=2))
    lines(TasksUnderWay("ingest", 1_000_000))
    lines(TasksUnderWay("ingest", 2_000_000))
    lines(TaskFinished("ingest", 4_000_000))
    assert stream.getvalue().splitlines()[1:] == [
        "ingest: 0 of 1 tasks, 200.0 kB/s, 0.10 Mvoxels/s, 30 s left",
        "ingest: 0 of 1 tasks, 200.0 kB/s, 0.10 Mvoxels/s, 20 s left",
        "ingest: 1 of 1 tasks, 400.0 kB/s, 0.20 Mvoxels/s",
    ]
    with Progress(console=Console(file=io.StringIO(), force_terminal=True)) as shown:
        bars, percent = _Bars(shown), []
        bars(StageStarted("ingest", tasks=2, done=0, voxels=1000))
        for event in (
            TasksUnderWay("ingest", 250),
            TaskFinished("ingest", 500),
            TasksUnderWay("ingest", 250),
            TaskFinished("ingest", 500),
        ):
            bars(event)
            percent.append(shown.tasks[-1].percentage)
        assert percent == [25, 50, 75, 100]
