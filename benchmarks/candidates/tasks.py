"""The tasks of an ingest, run by our Dask path and by a bare pool of as many processes.

First with everything started and loaded, then once more with the start and the stop.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.candidates.voxlake import NAME, VOXEL_SIZE, warm_up
from benchmarks.case import Case, Step
from voxlake.compute.cluster.opening import open_cluster
from voxlake.compute.cluster.stream import run_tasks
from voxlake.compute.jobs import IngestRequest, Workspace, start_ingest
from voxlake.compute.jobs.kinds import work_of
from voxlake.compute.jobs.kinds.ingest import INGEST
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.plan import Result, Task

PROCESSES = 2

READY_S = 0.5
"""So long does each process of the pool take to load at least, so that all are started."""

ALONE, STARTED = "tasks alone", "with start and stop"


def in_process_pool(case: Case) -> Iterator[Step]:
    """Run them in a bare pool."""
    tasks = planned_tasks(case)
    with _pool() as pool:
        list(pool.map(load, range(PROCESSES)))
        yield Step(ALONE, case.megabytes, lambda: _drain(pool.map(call, tasks)))

    def run() -> None:
        with _pool() as pool:
            _drain(pool.map(call, tasks))

    yield Step(STARTED, case.megabytes, run)


def on_dask(case: Case) -> Iterator[Step]:
    """Run them as a job does."""
    tasks, settings = planned_tasks(case), Settings(workers=PROCESSES)
    with open_cluster(settings, len(tasks)) as cluster:
        client = cluster.client
        client.wait_for_workers(PROCESSES)
        client.run(load, 0)
        yield Step(ALONE, case.megabytes, lambda: _drain(run_tasks(client, enumerate(tasks))))

    def run() -> None:
        with open_cluster(settings, len(tasks)) as cluster:
            _drain(run_tasks(cluster.client, enumerate(tasks)))

    yield Step(STARTED, case.megabytes, run)


def planned_tasks(case: Case) -> list[Task]:
    """Create the dataset and return the tasks that write its level 0."""
    settings = Settings(workers=PROCESSES)
    with Workspace.opened(StoreURL.parse(str(case.output)), settings) as workspace:
        place = Place(NAME, Kind.IMAGE)
        request = IngestRequest(str(case.inputs / "stack"), place, VOXEL_SIZE, levels=1)
        work = work_of(workspace, start_ingest(workspace, request))
        INGEST.prepare(work)
        (plan,) = INGEST.stages(work)
        return [plan.task(index) for index in range(len(plan))]


def call(task: Task) -> Result:
    """Run one task."""
    return task()


def load(_: int) -> None:
    """Load what tasks need, in each process."""
    warm_up()
    time.sleep(READY_S)


def _pool() -> ProcessPoolExecutor:
    # As Dask starts its workers: a fork would have everything loaded, and is not safe with threads.
    return ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"))


def _drain(results: Iterator[object]) -> None:
    for result in results:
        error = getattr(result, "error", None)
        if error is not None:
            raise error
