"""Tasks on a cluster: short ones travel together, and each answers for itself."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dask
import pytest
from distributed import LocalCluster, get_worker

from voxlake.compute.cluster import condition, stream
from voxlake.compute.cluster.condition import cluster_condition
from voxlake.compute.cluster.opening import open_cluster
from voxlake.compute.cluster.stream import MOST_PER_CALL, WINDOW_PER_THREAD, run_tasks
from voxlake.compute.passes.advance import advance
from voxlake.compute.passes.threads import available_cores, thread_count, use_threads
from voxlake.compute.plan import Result
from voxlake.platform.errors import ClusterLostError
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from voxlake.compute.plan import Task

SETTINGS = Settings(workers=0)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with open_cluster(SETTINGS, 1) as opened:
        yield opened.client
    use_threads(available_cores())


def number(index: int) -> Result:
    """Return at once."""
    return Result(voxels=index)


def fail_at_thirteen(index: int) -> Result:
    """Fail, if it is the thirteenth, with an error that cannot be sent."""
    if index == 13:
        raise _UnsendableError(index, "no")
    return Result(voxels=index)


class _UnsendableError(Exception):
    def __init__(self, index: int, word: str) -> None:
        super().__init__(f"{word} to {index}")


def end_process_at_thirteen(index: int) -> Result:
    """Take the worker along, as a crash in native code or too little memory does."""
    if index == 13:
        os._exit(1)
    return Result(voxels=index)


def say_threads() -> Result:
    """Return how many threads the tasks of the worker share."""
    return Result(voxels=thread_count())


def test_every_task_comes_back_once(client: Client) -> None:
    count = 3000
    tasks = ((index, partial(number, index)) for index in range(count))
    finished = list(run_tasks(client, tasks))
    assert len(finished) == count
    assert {one.index: one.result for one in finished} == {
        i: Result(voxels=i) for i in range(count)
    }


def test_little_is_drawn_ahead_of_what_finished(client: Client) -> None:
    drawn = 0

    def tasks() -> Iterator[tuple[int, Task]]:
        nonlocal drawn
        for index in range(5000):
            drawn += 1
            yield index, partial(number, index)

    ahead = [drawn - done for done, _ in enumerate(run_tasks(client, tasks()))]
    window = WINDOW_PER_THREAD * available_cores()
    assert max(ahead) <= (window + 1) * MOST_PER_CALL
    assert max(ahead) > window, "short tasks were sent one by one"


def test_long_tasks_travel_alone(client: Client) -> None:
    drawn = 0

    def tasks() -> Iterator[tuple[int, Task]]:
        nonlocal drawn
        for index in range(20):
            drawn += 1
            yield index, partial(_sleep, 0.3)

    ahead = [drawn - done for done, _ in enumerate(run_tasks(client, tasks()))]
    assert max(ahead) <= WINDOW_PER_THREAD * available_cores() + 1


def _sleep(seconds: float) -> Result:
    time.sleep(seconds)
    return Result()


def test_an_error_is_that_of_one_task(client: Client) -> None:
    tasks = ((index, partial(fail_at_thirteen, index)) for index in range(300))
    finished = list(run_tasks(client, tasks))
    failed = [one for one in finished if one.error is not None]
    assert (len(finished), [one.index for one in failed]) == (300, [13])
    assert str(failed[0].error) == "_UnsendableError: no to 13"
    assert "raise _UnsendableError" in failed[0].report


def test_check_ends_the_run(client: Client) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_tasks(client, ((i, partial(_sleep, 0.1)) for i in range(100)), check))


def test_tasks_share_the_threads_of_their_worker(client: Client) -> None:
    (finished,) = run_tasks(client, [(0, say_threads)])
    assert finished.result == Result(voxels=available_cores())


def test_a_task_that_takes_its_worker_along_is_found_out() -> None:
    """All others are done, those that travelled with it and waited behind it among them.

    (Dask blames everything that is on a worker that dies, by default only at the fourth time.)
    """
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        open_cluster(Settings(workers=1), 1) as cluster,
    ):
        tasks = ((index, partial(end_process_at_thirteen, index)) for index in range(200))
        finished = list(run_tasks(cluster.client, tasks))
    assert len({one.index for one in finished}) == len(finished) == 200
    [failed] = [one for one in finished if one.error is not None]
    assert (failed.index, failed.attempts) == (13, 2)
    assert "KilledWorker" in failed.report
    assert "died of this task, which ran alone" in failed.report


def go_on(count: int) -> Result:
    """Do a voxel now and then."""
    for _ in range(count):
        time.sleep(0.2)
        advance(1)
    return Result(voxels=count)


@pytest.mark.parametrize("workers", [0, 1])
def test_tasks_tell_how_far_they_are(workers: int) -> None:
    seen: list[int] = []
    with open_cluster(Settings(workers=workers), 1) as cluster:
        tasks = [(index, partial(go_on, 15)) for index in range(2)]
        finished = list(run_tasks(cluster.client, tasks, under_way=seen.append))
    assert [one.result for one in finished] == [Result(voxels=15)] * 2
    assert [voxels for voxels in seen if 0 < voxels < 30], seen


def hold(there: str, count: int) -> Result:
    """Say that this task runs; end once so many have run on as many workers at a time."""
    folder = Path(there)
    (folder / str(get_worker().name)).touch()
    while len(list(folder.iterdir())) < count:
        time.sleep(0.05)
    return Result(voxels=1)


def test_workers_appear_for_a_job_and_go(tmp_path: Path) -> None:
    """Tasks end when two workers have come: of what is sent to none, and of what waits for one."""
    with LocalCluster(
        n_workers=0, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        cluster.adapt(minimum=0, maximum=2, interval="100ms", target_duration="100ms")
        with open_cluster(Settings(scheduler=cluster.scheduler_address), 1) as opened:
            assert opened.client.nthreads() == {}
            tasks = ((index, partial(hold, str(tmp_path), 2)) for index in range(20))
            finished = list(run_tasks(opened.client, tasks))
        assert [one.result for one in finished] == [Result(voxels=1)] * 20
        while cluster.scheduler_info["workers"]:
            time.sleep(0.05)


def test_a_cluster_that_gets_no_worker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WORKERS_S", 0.5)
    with (
        LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        open_cluster(Settings(scheduler=cluster.scheduler_address), 1) as opened,
        pytest.raises(ClusterLostError, match=r"no worker for 0.5 s; start some"),
    ):
        list(run_tasks(opened.client, [(0, say_threads)]))


def test_what_workers_are_is_told(client: Client) -> None:
    address = client.scheduler_info()["address"]
    [worker] = cluster_condition(Settings(scheduler=address)).values()
    assert worker.threads == available_cores()
    assert worker.differs == {}


def test_a_worker_of_other_versions_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([{"dask": "1", "numpy": "2"}, {"dask": "1", "numpy": "3"}])
    monkeypatch.setattr(condition, "versions_here", lambda: next(told))
    address = client.scheduler_info()["address"]
    [worker] = cluster_condition(Settings(scheduler=address)).values()
    assert worker.differs == {"numpy": "3"}
