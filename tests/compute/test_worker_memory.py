"""Workers that Dask ends when they fill more memory than they may."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import pytest
from distributed import LocalCluster

from voxlake.compute.cluster.opening import MEMORY, open_cluster
from voxlake.compute.cluster.room import PROCESS_BYTES
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, running, start_ingest
from voxlake.compute.jobs.kinds import kind_of
from voxlake.compute.plan import Plan, Result
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import JobFailedError, LimitExceededError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Worker

    from voxlake.platform.jobs.record import Job
    from voxlake.platform.store import StoreURL

SOURCE = "phantom:64,64,256?kind=labels"
ROOM = 128 << 20
LIMIT = PROCESS_BYTES + ROOM
"""What a worker of the tests may fill."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def scheduler(reaching_lakes: None) -> Iterator[str]:
    """A cluster of two workers with a supervisor each, which gives tasks up sooner than usual."""
    with (
        dask.config.set({**MEMORY, "distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=LIMIT, dashboard_address="127.0.0.1:0"
        ) as cluster,
    ):
        yield cluster.scheduler_address


@pytest.fixture
def workspace(lake: StoreURL, scheduler: str) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(scheduler=scheduler)) as opened:
        yield opened


@dataclass(frozen=True)
class Greedy:
    """A task that fills more than its plan says, if it is of the third cell."""

    cell: tuple[int, ...]

    def __call__(self) -> Result:
        """Do little, or fill memory until somebody ends it."""
        if self.cell == (2,):
            filled = [np.ones(1 << 20, np.uint8) for _ in range(LIMIT >> 20)]
            time.sleep(60)
            del filled
        time.sleep(0.1)
        return Result(voxels=1)


def _ingest(workspace: Workspace, name: str) -> Job:
    place = Place(DatasetName.parse(f"a/b/{name}"), Kind.LABELS)
    return start_ingest(workspace, IngestRequest(SOURCE, place))


def _with_plan(monkeypatch: pytest.MonkeyPatch, job: Job, plan: Plan) -> None:
    """Let a job have a plan of tests; all others have their own."""

    def kind(asked: Job) -> Any:
        theirs = kind_of(asked)
        return replace(theirs, stages=lambda _work: [plan]) if asked.id == job.id else theirs

    monkeypatch.setattr(running, "kind_of", kind)


def test_a_task_that_grows_is_set_aside_and_other_jobs_go_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy, modest = _ingest(workspace, "greedy"), _ingest(workspace, "modest")
    _with_plan(monkeypatch, greedy, Plan("ingest", (8,), Greedy, "", 1 << 20))
    with ThreadPoolExecutor(2) as threads:
        failed = threads.submit(run_job, workspace, greedy)
        done = threads.submit(run_job, workspace, modest)
        with pytest.raises(JobFailedError, match=r"1 of 8 tasks of stage ingest .* memory"):
            failed.result()
        assert done.result().tasks > 0
    ledger = workspace.catalog.ledger
    assert ledger.get_job(greedy.id).state is JobState.DEGRADED
    [failure] = ledger.failures(greedy.id)
    assert (failure.index, failure.attempts) == (2, 4)
    assert failure.error.startswith("MemoryError: 2 workers in a row")
    assert f"of {LIMIT:,} that a worker may fill" in failure.error
    assert "KilledWorker" in failure.traceback
    assert ledger.count_done(greedy.id, "ingest") == 7
    assert ledger.get_job(modest.id).state is JobState.DONE


def test_tasks_that_do_not_fit_a_worker_are_refused_before_they_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _ingest(workspace, "large")
    _with_plan(monkeypatch, job, Plan("ingest", (8,), Greedy, "", ROOM + 1))
    told = rf"may fill {LIMIT:,}, which leaves {ROOM:,} for each of 1 at a time"
    with pytest.raises(LimitExceededError, match=told):
        run_job(workspace, job)
    found = workspace.catalog.ledger.get_job(job.id)
    assert found.state is JobState.FAILED
    assert f"VOXLAKE_MEMORY_LIMIT_BYTES={ROOM}" in found.message
    assert workspace.catalog.ledger.count_done(job.id, "ingest") == 0


def test_workers_of_this_machine_spill_nothing_and_never_stand_still() -> None:
    def memory(dask_worker: Worker) -> tuple[object, ...]:
        managed = dask_worker.memory_manager
        return managed.memory_pause_fraction, managed.memory_spill_fraction, type(managed.data)

    with open_cluster(Settings(workers=1), 1) as cluster:
        [told] = cluster.client.run(memory).values()
    assert told == (False, False, dict)
