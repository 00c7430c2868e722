"""What is said of jobs: those that wait for long, that failed, and whose runner is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from voxlake.api.checks.jobs import WAITED_S, of_workers, outcome_of
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runners import Runner
from voxlake.platform.jobs.standing import Standing
from voxlake.platform.jobs.workers import WorkerRecord

NONE = dict.fromkeys(JobState, 0)


def runner(*, lives: bool) -> Runner:
    """Return somebody who runs a job."""
    return Runner("01J", "ingest", "lab/brain/em", "host", 7, datetime.now(UTC), lives)


def test_no_jobs_and_jobs_at_work_are_well() -> None:
    assert outcome_of(Standing(NONE, 0), []) == ("ok", "none", None)
    running = Standing(NONE | {JobState.RUNNING: 1, JobState.DONE: 5}, WAITED_S)
    assert outcome_of(running, [runner(lives=True)]) == ("ok", "1 running, 5 done", None)


@pytest.mark.parametrize(
    ("found", "at_work", "told", "to_do"),
    [
        (Standing(NONE | {JobState.FAILED: 2}, 0), [], "2 failed", "voxlake jobs resume"),
        (Standing(NONE | {JobState.QUEUED: 1}, 7200), [], "waits for 2.0 h", "voxlake worker"),
        (Standing(NONE, 0), [runner(lives=False)], "runner of 01J is gone", "voxlake worker"),
    ],
    ids=["failed", "waits", "lost"],
)
def test_what_does_not_get_on_is_told_with_what_to_do(
    found: Standing, at_work: list[Runner], told: str, to_do: str
) -> None:
    state, text, advice = outcome_of(found, at_work)
    assert state == "warn"
    assert told in text
    assert to_do in (advice or "")


def worker(*, lives: bool = True, of: str | None = None) -> WorkerRecord:
    """Return somebody who waits for jobs."""
    return WorkerRecord("host", 7, of or version("voxlake"), datetime.now(UTC), None, lives)


@pytest.mark.parametrize(
    ("queued", "workers", "state", "told"),
    [
        (0, [], "ok", "0 live, of 0"),
        (1, [worker()], "ok", "1 live, of 1"),
        (1, [worker(lives=False)], "warn", "0 live, of 1 of the last day, and jobs are queued"),
        (0, [worker(), worker(of="0.0.1")], "warn", "0.0.1 there"),
        (0, [worker(), worker(lives=False, of="0.0.1")], "ok", "1 live, of 2"),
    ],
)
def test_workers_are_told(queued: int, workers: list[WorkerRecord], state: str, told: str) -> None:
    found = of_workers(Standing(NONE | {JobState.QUEUED: queued}, 0), workers)
    assert found[0] == state
    assert told in found[1]
