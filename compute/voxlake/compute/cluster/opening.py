"""Connect to a Dask cluster, or start one on this machine."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dask
from distributed import Client, LocalCluster

from voxlake.compute.cluster.dashboard import can_draw, dashboard_of
from voxlake.compute.cluster.gateway import gateway_cluster, is_gateway
from voxlake.compute.passes.threads import available_cores
from voxlake.platform.errors import ClusterLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.settings import Settings

CONNECT_S = 30
"""Seconds to wait for a scheduler to answer; one on a busy machine takes many."""

LOOPBACK = "127.0.0.1"
"""Where a local cluster has its pages."""

CLOSE_S = 0.5
"""Seconds that a local cluster has to end after Ctrl-C, while its threads still work."""

ANSWER_S = 5
"""Seconds to wait for what the scheduler knows by itself."""

FEW_TASKS_PER_CORE = 4
"""Up to so many tasks run on threads of this process: starting others takes longer than they do."""

THREADS_PER_PROCESS = 4
"""Of the local cluster: inner loops leave the interpreter lock, what is around them does not."""

MEMORY = {
    # Workers keep nothing of our tasks that could be spilled.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    # A worker that starts no more tasks stands still where memory that is freed stays with it.
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
}
"""What workers do as their memory fills: the same in all of deploy/."""

_DASK = {
    **MEMORY,
    # Of worker processes: that they lose their scheduler is told by our own errors.
    "logging.distributed": "critical",
    "distributed.comm.retry.count": 3,
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
    # A peer that the network no longer reaches is given up after this (Linux: TCP_USER_TIMEOUT);
    # Dask sends three probes, so it cannot be much less.
    "distributed.comm.timeouts.tcp": "15s",
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.worker.daemon": True,
    "distributed.admin.large-graph-warning-threshold": "100MB",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that tasks may be sent to."""

    client: Client
    dashboard: str | None
    """Where people look at it; None: nowhere."""


@contextmanager
def open_cluster(settings: Settings, tasks: int) -> Iterator[Cluster]:
    """Connect to ``settings.scheduler``, or start a cluster on this machine and stop it after.

    A dask-gateway starts one, and stops it after, of up to ``settings.workers`` workers. One on
    this machine has ``settings.workers`` processes, which share the cores. The default is threads
    of this process, as for 0 workers, on few cores or for few `tasks`, and else a process for every
    `THREADS_PER_PROCESS` cores. Where bokeh is installed it has a dashboard, unless tasks are few.

    Raises
    ------
    ClusterLostError
        If no scheduler answers at the address.
    """
    # A lost worker or scheduler is told by our own errors; Dask would print tracebacks besides.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(_DASK):
        if settings.scheduler and is_gateway(settings.scheduler):
            most = settings.workers or None
            with gateway_cluster(settings.scheduler, most) as (client, dashboard):
                yield Cluster(client, dashboard)
            return
        if settings.scheduler:
            with _connected(settings.scheduler) as client:
                yield Cluster(client, dashboard_of(client))
            return
        with ExitStack() as stack:
            shown = can_draw() and not _are_few(tasks, available_cores())
            cluster = stack.enter_context(_local_cluster(settings.workers, tasks, shown=shown))
            # Never the one that other Dask code of this process uses: it may outlive an interrupt.
            client = Client(cluster, set_as_default=False)
            stack.callback(client.close)
            try:
                yield Cluster(client, dashboard_of(client, LOOPBACK) if shown else None)
            except KeyboardInterrupt:
                stack.pop_all()  # To leave it waits for its threads, which may work for long.
                with suppress(TimeoutError):
                    client.close(CLOSE_S)
                    cluster.close(CLOSE_S)
                raise


def _local_cluster(workers: int | None, tasks: int, *, shown: bool) -> LocalCluster:
    processes, threads = local_size(workers, tasks, available_cores())
    return LocalCluster(
        n_workers=processes or 1,
        threads_per_worker=threads,
        processes=processes > 0,
        # Any free port of the loopback: the default one may be taken, and listens to the network.
        dashboard_address=f"{LOOPBACK}:0",
        scheduler_kwargs={"dashboard": shown},
    )


def _are_few(tasks: int, cores: int) -> bool:
    return tasks <= FEW_TASKS_PER_CORE * cores


def worker_threads(address: str) -> list[int]:
    """Return how many threads each worker of the cluster at `address` has; none of a dask-gateway.

    Raises
    ------
    ClusterLostError
        If no scheduler answers.
    """
    if is_gateway(address):
        return []
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(_DASK), _connected(address) as client, cluster_failures():
        return [int(n) for n in client.nthreads(callback_timeout=ANSWER_S).values()]


def local_size(workers: int | None, tasks: int, cores: int) -> tuple[int, int]:
    """Return how many processes a local cluster has, 0 for none but this, and threads in each.

    Examples
    --------
    >>> local_size(None, 10**6, 4), local_size(None, 10**6, 16), local_size(None, 64, 16)
    ((0, 4), (4, 4), (0, 16))
    >>> local_size(None, 64, 1)  # what one task has made is stored while the next makes more
    (0, 2)
    >>> local_size(2, 10**6, 16)
    (2, 8)
    """
    if workers is None:
        small = cores <= THREADS_PER_PROCESS or _are_few(tasks, cores)
        workers = 0 if small else -(-cores // THREADS_PER_PROCESS)
    return workers, max(1 if workers else 2, cores // max(1, workers))


@contextmanager
def cluster_failures() -> Iterator[None]:
    """Say that the cluster is lost where talking to it fails: tasks' own errors never come here."""
    try:
        yield
    except (OSError, RuntimeError, CancelledError) as error:
        raise ClusterLostError(
            f"the Dask scheduler is gone ({type(error).__name__}); start it and resume the job"
        ) from error


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterLostError(
            f"no Dask scheduler answers at {address} ({error}); start one, or leave the address out"
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=5)
