"""Run tasks on a Dask cluster. The only module that talks to one.

Tasks are streamed in a bounded window, so that neither client nor scheduler grows with a job, and
only small results come back. What was done is remembered by the caller, outside Dask.
"""

from __future__ import annotations

import logging
import queue
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, LocalCluster

from voxlake.platform.errors import ClusterLostError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.compute.plan import Result, Task
    from voxlake.platform.settings import Settings

LOST_AFTER_S = 30
"""Seconds without the scheduler after which a job stops; it can be resumed."""

WINDOW_PER_THREAD = 3
"""Tasks on the cluster for each of its threads, so that none waits for the next."""

_DASK = {
    "distributed.comm.retry.count": 3,
    "distributed.comm.timeouts.connect": "15s",
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
def open_cluster(settings: Settings) -> Iterator[Client]:
    """Connect to ``settings.scheduler``, or start a cluster on this machine and stop it after.

    Raises
    ------
    StoreUnavailableError
        If no scheduler answers at the address.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(_DASK):
        if settings.scheduler:
            with _connected(settings.scheduler) as client:
                yield client
            return
        workers = settings.workers
        with (
            LocalCluster(
                n_workers=1 if workers == 0 else workers,
                threads_per_worker=1,
                processes=workers != 0,
                dashboard_address=None,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


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
        yield _outcome(index, future)
        future.release()
        submit_next()


def _outcome(index: int, future: Any) -> Finished:
    if future.status == "finished":
        return Finished(index, result=future.result())
    if future.status == "error":
        return Finished(index, error=future.exception())
    raise ClusterLostError(
        "the Dask scheduler dropped a running task; start it again and resume the job"
    )


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
    threads = sum(client.nthreads().values())
    return max(2, WINDOW_PER_THREAD * threads)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=15)
    except (OSError, ValueError, TimeoutError) as error:
        raise StoreUnavailableError(
            f"no Dask scheduler answers at {address} ({error}); start one, or leave the address out"
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=5)
