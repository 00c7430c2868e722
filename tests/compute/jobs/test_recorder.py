"""The recorder: results reach the ledger in batches, soon, and by right."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

import pytest

from voxlake.compute.jobs.recorder import LINGER_S, Recorder, StageTally
from voxlake.compute.plan import Result
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import LeaseLostError
from voxlake.platform.jobs.record import Claim, StageProgress, StageRecord
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.store import StoreURL

TASKS = 20_000


@pytest.fixture
def ledger(lake: StoreURL) -> Iterator[Ledger]:
    with open_catalog(lake, Settings()) as catalog:
        yield catalog.ledger


def _claim(ledger: Ledger, lease_s: float = 60) -> Claim:
    job = ledger.create_job("ingest", DatasetName.parse("c/e/em"), {}).id
    claim = ledger.claim(job, lease_s=lease_s)
    ledger.begin_stage(claim, StageRecord("write", TASKS, "f", voxels=10 * TASKS))
    return claim


def test_many_short_tasks_cost_no_memory(ledger: Ledger) -> None:
    claim = _claim(ledger)
    tracemalloc.start()
    try:
        with Recorder(ledger, claim, Event()) as recorder:
            recorder.begin(StageTally("write", 0, 0, 0))
            for index, _ in enumerate(ledger.done_tasks(claim.job, "write")):
                recorder.done(index, Result(voxels=10, bytes=3))
            recorder.end()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000
    assert ledger.count_done(claim.job, "write") == TASKS
    (stage,) = ledger.get_job(claim.job).stages
    # A database that takes long over so many has it told how fast they were.
    told = replace(stage.progress, tasks_per_s=None)
    assert told == StageProgress(TASKS, 0, 10 * TASKS, 3 * TASKS, None)


def test_a_lone_result_is_written_soon(ledger: Ledger) -> None:
    claim = _claim(ledger)
    with Recorder(ledger, claim, Event()) as recorder:
        recorder.begin(StageTally("write", 0, 0, 0))
        recorder.done(7, Result(voxels=10))
        deadline = time.monotonic() + 100 * LINGER_S
        while not ledger.done_tasks(claim.job, "write")[7]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_the_lease_is_kept_and_the_rate_told_while_tasks_are_long(ledger: Ledger) -> None:
    claim = _claim(ledger, lease_s=0.6)
    with Recorder(ledger, claim, Event()) as recorder:
        recorder.begin(StageTally("write", 0, 0, 0))
        for index in range(4):
            recorder.done(index, Result(voxels=10))
            time.sleep(0.3)
            found = ledger.get_job(claim.job)
            assert found.lease_until is not None
            assert (found.lease_until - found.updated_at).total_seconds() > 0.5
        (stage,) = found.stages
        assert stage.progress.done >= 3
        assert stage.seconds_left is not None
        recorder.check()


def test_a_runner_whose_lease_was_taken_is_told_at_once(ledger: Ledger) -> None:
    claim, stop = _claim(ledger, lease_s=1.2), Event()
    with Recorder(ledger, claim, stop) as recorder:
        recorder.begin(StageTally("write", 0, 0, 0))
        ledger.release(claim)
        ledger.claim(claim.job)
        assert stop.wait(timeout=60)
        with pytest.raises(LeaseLostError):
            recorder.check()


def test_a_cancel_stops_the_job(ledger: Ledger) -> None:
    claim, stop = _claim(ledger, lease_s=1.2), Event()
    with Recorder(ledger, claim, stop) as recorder:
        ledger.cancel(claim.job)
        assert stop.wait(timeout=60)
        assert recorder.cancelled
        recorder.check()
