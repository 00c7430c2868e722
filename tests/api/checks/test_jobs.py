"""What is said of jobs: those that wait for long, that failed, and whose runner is gone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from voxlake.api.checks.jobs import WAITED_S, outcome_of
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runners import Runner
from voxlake.platform.jobs.standing import Standing

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
