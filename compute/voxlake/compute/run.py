"""Run tasks on a Dask cluster. The only module that talks to one.

Tasks are streamed in a bounded window, so that neither client nor scheduler grows with a job, and
only small results come back. What was done is remembered by the caller, outside Dask.
"""

from __future__ import annotations

import logging
import os
import queue
import traceback
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, LocalCluster

from voxlake.platform.errors import ClusterLostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.compute.plan import Result, Task
    from voxlake.platform.settings import Settings

LOST_AFTER_S = 10
"""Seconds without the scheduler after which a job stops; it can be resumed."""

CONNECT_S = 30
"""Seconds to wait for a scheduler to answer; one on a busy machine takes many."""

WINDOW_PER_THREAD = 3
"""Tasks on the cluster for each of its threads, so that none waits for the next."""

FEW_TASKS_PER_CORE = 4
"""Up to so many tasks run on threads of this process: starting others takes longer than they do."""

_DASK = {
    "distributed.comm.retry.count": 3,
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
    "distributed.worker.daemon": True,
    "distributed.admin.large-graph-warning-threshold": "100MB",
}


@dataclass(frozen=True, slots=True)
class Finished:
    """A task that came back."""

    index: int
    result: Result | None = None
    error: BaseException | None = None

    @property
    def report(self) -> str:
        """The error with its traceback, as the worker saw it."""
        return "".join(traceback.format_exception(self.error)) if self.error else ""


@contextmanager
def open_cluster(settings: Settings, tasks: int) -> Iterator[Client]:
    """Connect to ``settings.scheduler``, or start a cluster on this machine and stop it after.

    The latter has ``settings.workers`` processes, by default one a core for more than a few
    `tasks`, and else, as for 0 workers, a thread a core in this process.

    Raises
    ------
    ClusterLostError
        If no scheduler answers at the address.
    """
    # A lost worker or scheduler is told by our own errors; Dask would print tracebacks besides.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(_DASK):
        if settings.scheduler:
            with _connected(settings.scheduler) as client:
                yield client
            return
        with _local_cluster(settings.workers, tasks) as cluster, Client(cluster) as client:
            yield client


def _local_cluster(workers: int | None, tasks: int) -> LocalCluster:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    if workers is None:
        workers = 0 if tasks <= FEW_TASKS_PER_CORE * cores else cores
    return LocalCluster(
        n_workers=workers or 1,
        threads_per_worker=1 if workers else cores,
        processes=workers > 0,
        # Any free port of the loopback: the default one may be taken, and listens to the network.
        dashboard_address="127.0.0.1:0",
    )


def run_tasks(client: Client, tasks: Iterable[tuple[int, Task]]) -> Iterator[Finished]:
    """Run the tasks, given with their indices, and yield each as it finishes, in any order.

    `tasks` is drawn from only as earlier ones finish, so the caller may add to it on the way.

    Raises
    ------
    ClusterLostError
        If the scheduler goes away.
    """
    waiting = iter(tasks)
    finished: queue.Queue[Any] = queue.Queue()
    running: dict[Any, int] = {}

    def submit_next() -> bool:
        drawn = next(waiting, None)
        if drawn is None:
            return False
        index, task = drawn
        with _cluster_failures():
            future = client.submit(task, pure=False, retries=0)
        running[future.key] = index
        future.add_done_callback(finished.put)
        return True

    for _ in range(_window(client)):
        if not submit_next():
            break
    while running:
        future = _next_finished(client, finished)
        index = running.pop(future.key)
        with _cluster_failures():
            outcome = _outcome(client, index, future)
        yield outcome
        future.release()
        submit_next()


def _outcome(client: Client, index: int, future: Any) -> Finished:
    while True:
        if future.status == "error":
            return Finished(index, error=future.exception(timeout=LOST_AFTER_S))
        if future.status not in {"finished", "pending"}:
            raise ClusterLostError(
                "the Dask scheduler dropped a running task; start it again and resume the job"
            )
        try:
            return Finished(index, result=future.result(timeout=LOST_AFTER_S))
        except TimeoutError:
            # A worker that died with the result makes another run the task again: wait for that.
            if client.status != "running":
                raise
        except Exception as error:
            if future.status != "error":
                raise
            return Finished(index, error=error)


@contextmanager
def _cluster_failures() -> Iterator[None]:
    """Say that the cluster is lost where talking to it fails: tasks' own errors never come here."""
    try:
        yield
    except (OSError, RuntimeError, CancelledError) as error:
        raise ClusterLostError(
            f"the Dask scheduler is gone ({type(error).__name__}); start it and resume the job"
        ) from error


def _next_finished(client: Client, finished: queue.Queue[Any]) -> Any:
    silent_s = 0
    while True:
        try:
            return finished.get(timeout=1)
        except queue.Empty:
            silent_s = 0 if client.status == "running" else silent_s + 1
        if silent_s >= LOST_AFTER_S or client.status == "closed":
            raise ClusterLostError(
                "the Dask scheduler does not answer any more; start it again and resume the job"
            )


def _window(client: Client) -> int:
    with _cluster_failures():
        client.wait_for_workers(1, timeout=CONNECT_S)
        threads = sum(client.nthreads().values())
    return int(WINDOW_PER_THREAD * threads)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterLostError(
            f"no Dask scheduler answers at {address} ({error}); start one, or leave the address out"
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=5)
