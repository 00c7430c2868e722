"""Run tasks on a Dask cluster. The only module that talks to one.

Tasks are streamed in a bounded window, so that neither client nor scheduler grows with a job, and
only small results come back. Short tasks travel several at a time, because every message to a
worker costs some milliseconds. What was done is remembered by the caller, outside Dask.
"""

from __future__ import annotations

import logging
import pickle
import queue
import time
import traceback
from collections import deque
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask
from distributed import Client, LocalCluster, get_worker

from voxlake.compute.passes.advance import telling
from voxlake.compute.passes.threads import available_cores, use_threads
from voxlake.platform.errors import ClusterLostError
from voxlake.platform.panics import is_panic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voxlake.compute.plan import Result, Task
    from voxlake.platform.settings import Settings

    type _Numbered = tuple[int, Task]

LOST_AFTER_S = 10
"""Seconds without the scheduler after which a job stops; it can be resumed."""

CONNECT_S = 30
"""Seconds to wait for a scheduler to answer; one on a busy machine takes many."""

GATHER_S = 5
"""Seconds to wait for a result whose worker does not answer, before looking at others."""

CLOSE_S = 0.5
"""Seconds that a local cluster has to end after Ctrl-C, while its threads still work."""

WINDOW_PER_THREAD = 3
"""Calls on the cluster for each of its threads, so that none waits for the next."""

ANSWER_S = 5
"""Seconds to wait for what the scheduler knows by itself."""

WINDOW_LASTS_S = 5.0
"""Seconds after which the cluster is asked again how many threads it has."""

CALL_S = 0.25
"""Tasks that are shorter are sent several at a time, for about so many seconds of work."""

MOST_PER_CALL = 100
"""Tasks sent at a time, at most."""

SHARE_IN_FLIGHT = 16
"""Of the tasks that are left, at most one in so many is on the cluster because tasks are short."""

TELL_S = 0.5
"""Seconds between two signs of how far a task is."""

LONGEST_CALL_S = 1.0
"""After so many seconds a worker hands back the tasks of a call that it has not begun."""

FEW_TASKS_PER_CORE = 4
"""Up to so many tasks run on threads of this process: starting others takes longer than they do."""

THREADS_PER_PROCESS = 4
"""Of the local cluster: inner loops leave the interpreter lock, what is around them does not."""

_DASK = {
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
class Finished:
    """A task that came back."""

    index: int
    result: Result | None = None
    error: BaseException | None = None
    report: str = ""
    """The error with its traceback, as the worker saw it."""


@contextmanager
def open_cluster(settings: Settings, tasks: int) -> Iterator[Client]:
    """Connect to ``settings.scheduler``, or start a cluster on this machine and stop it after.

    The latter has ``settings.workers`` processes, which share the cores. The default is threads of
    this process, as for 0 workers, on few cores or for few `tasks`, and else a process for every
    `THREADS_PER_PROCESS` cores.

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
        with ExitStack() as stack:
            cluster = stack.enter_context(_local_cluster(settings.workers, tasks))
            # Never the one that other Dask code of this process uses: it may outlive an interrupt.
            client = Client(cluster, set_as_default=False)
            stack.callback(client.close)
            try:
                yield client
            except KeyboardInterrupt:
                stack.pop_all()  # To leave it waits for its threads, which may work for long.
                with suppress(TimeoutError):
                    client.close(CLOSE_S)
                    cluster.close(CLOSE_S)
                raise


def _local_cluster(workers: int | None, tasks: int) -> LocalCluster:
    processes, threads = local_size(workers, tasks, available_cores())
    return LocalCluster(
        n_workers=processes or 1,
        threads_per_worker=threads,
        processes=processes > 0,
        # Any free port of the loopback: the default one may be taken, and listens to the network.
        dashboard_address="127.0.0.1:0",
    )


def worker_threads(address: str) -> list[int]:
    """Return how many threads each worker of the cluster at `address` has.

    Raises
    ------
    ClusterLostError
        If no scheduler answers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(_DASK), _connected(address) as client, _cluster_failures():
        return [int(n) for n in client.nthreads(callback_timeout=ANSWER_S).values()]


def local_size(workers: int | None, tasks: int, cores: int) -> tuple[int, int]:
    """Return how many processes a local cluster has, 0 for none but this, and threads in each.

    Examples
    --------
    >>> local_size(None, 10**6, 4), local_size(None, 10**6, 16), local_size(None, 64, 16)
    ((0, 4), (4, 4), (0, 16))
    >>> local_size(2, 10**6, 16)
    (2, 8)
    """
    if workers is None:
        small = cores <= THREADS_PER_PROCESS or tasks <= FEW_TASKS_PER_CORE * cores
        workers = 0 if small else -(-cores // THREADS_PER_PROCESS)
    return workers, max(1, cores // max(1, workers))


def run_tasks(
    client: Client,
    tasks: Iterable[_Numbered],
    check: Callable[[], None] = lambda: None,
    under_way: Callable[[int], None] = lambda _voxels: None,
) -> Iterator[Finished]:
    """Run the tasks, given with their indices, and yield each as it finishes, in any order.

    `tasks` is drawn from only as earlier ones finish, so the caller may add to it on the way. If
    it has a length hint, what is in flight is kept small beside what is left.
    `check` is called at least once a second; what it raises ends the run. So is `under_way`, with
    the voxels that tasks in flight have done so far.

    Raises
    ------
    ClusterLostError
        If the scheduler goes away.
    """
    stream = _Stream(client, iter(tasks))
    try:
        stream.fill()
        while stream.running:
            check()
            under_way(stream.under_way())
            future = stream.next_finished()
            if future is None:
                continue
            finished = stream.take(future)
            stream.fill()
            yield from finished
            stream.fill()
    finally:
        stream.give_up()


class _Stream:
    """The calls that are on the cluster, and what is to be sent next."""

    def __init__(self, client: Client, tasks: Iterator[_Numbered]) -> None:
        self.running: dict[Any, Sequence[_Numbered]] = {}
        self._client, self._tasks = client, tasks
        self._back: deque[_Numbered] = deque()
        """Tasks that a worker handed back."""
        self._alone: deque[_Numbered] = deque()
        """Tasks of a call that took its worker with it: which of them did will be seen."""
        self._finished: queue.Queue[Any] = queue.Queue()
        self._per_call = 1
        self._topic = f"voxlake-{uuid4().hex}"
        self._told: dict[int, int] = {}
        """Voxels that tasks in flight say they have done, by their indices."""
        self._signs: deque[tuple[float, tuple[int, int]]] = deque()
        """What they say, as it comes in, in a thread of the client."""
        client.subscribe_topic(self._topic, self._signs.append)
        self._silent_since: float | None = None
        with _cluster_failures():
            client.wait_for_workers(1, timeout=CONNECT_S)
        self._window, self._window_ends = _window(client), time.monotonic() + WINDOW_LASTS_S

    def fill(self) -> None:
        """Submit calls until the window is full or nothing is left."""
        self._follow_cluster()
        while len(self.running) < self._window:
            tasks = self._draw()
            if not tasks:
                return
            with _cluster_failures():
                future = self._client.submit(_work, tasks, self._topic, pure=False, retries=0)
            self.running[future] = tasks
            self._told.update((index, 0) for index, _ in tasks)
            future.add_done_callback(self._finished.put)

    def next_finished(self) -> Any:
        """Return a call that came back, or None after a second without one."""
        try:
            future = self._finished.get(timeout=1)
        except queue.Empty:
            self._check_scheduler()
            return None
        self._silent_since = None
        return future

    def take(self, future: Any) -> list[Finished]:
        """Return what came of the tasks of a call; none if they have to run again."""
        if future.status == "error":
            with _cluster_failures():
                error = future.exception(timeout=LOST_AFTER_S)
            return self._failed(future, error)
        if future.status in {"pending", "lost"}:
            # Its worker died with the result, and another runs the call again: wait for that.
            future.add_done_callback(self._finished.put)
            return []
        if future.status != "finished":
            raise ClusterLostError(
                "the Dask scheduler dropped a running task; start it again and resume the job"
            )
        try:
            with _cluster_failures():
                outcomes, seconds = future.result(timeout=GATHER_S)
        except Exception as error:
            away = isinstance(error, ClusterLostError) and self._client.status == "running"
            if not (away or future.status == "error"):
                raise
            # Its worker does not answer, and the scheduler has yet to find that out.
            future.add_done_callback(self._finished.put)
            return []
        tasks = self._returned(future)
        self._back.extend(tasks[len(outcomes) :])
        self._set_pace(seconds / len(outcomes))
        return [
            Finished(index, *outcome) for (index, _), outcome in zip(tasks, outcomes, strict=False)
        ]

    def give_up(self) -> None:
        """Let the cluster forget what still runs."""
        self._client.unsubscribe_topic(self._topic)
        for future in self.running:
            future.release()

    def under_way(self) -> int:
        """Return how many voxels the tasks in flight have done."""
        while self._signs:
            _, (index, voxels) = self._signs.popleft()
            if index in self._told:
                self._told[index] = voxels
        return sum(self._told.values())

    def _follow_cluster(self) -> None:
        """Ask now and then how large the window may be: workers come and go."""
        if time.monotonic() < self._window_ends:
            return
        with suppress(ClusterLostError):  # `_check_scheduler` tells a pause from an end.
            self._window = _window(self._client)
        self._window_ends = time.monotonic() + WINDOW_LASTS_S

    def _failed(self, future: Any, error: BaseException) -> list[Finished]:
        tasks = self._returned(future)
        if len(tasks) > 1:
            self._alone.extend(tasks)
            return []
        report = "".join(traceback.format_exception(error))
        return [Finished(tasks[0][0], error=error, report=report)]

    def _returned(self, future: Any) -> Sequence[_Numbered]:
        tasks = self.running.pop(future)
        future.release()
        for index, _ in tasks:
            self._told.pop(index, None)
        return tasks

    def _draw(self) -> list[_Numbered]:
        if self._alone:
            return [self._alone.popleft()]
        if self._back:
            return [self._back.popleft()]
        left = length_hint(self._tasks, MOST_PER_CALL * SHARE_IN_FLIGHT * self._window)
        fair = left // (SHARE_IN_FLIGHT * self._window)
        return list(islice(self._tasks, max(1, min(self._per_call, fair))))

    def _set_pace(self, seconds_per_task: float) -> None:
        wanted = CALL_S / max(seconds_per_task, CALL_S / MOST_PER_CALL)
        self._per_call = max(1, min(int(wanted), 2 * self._per_call))

    def _check_scheduler(self) -> None:
        if self._client.status == "running":
            self._silent_since = None
            return
        self._silent_since = self._silent_since or time.monotonic()
        silent_s = time.monotonic() - self._silent_since
        if silent_s >= LOST_AFTER_S or self._client.status == "closed":
            raise ClusterLostError(
                "the Dask scheduler does not answer any more; start it again and resume the job"
            )


type _Outcome = tuple[Result | None, BaseException | None, str]


def _work(tasks: Sequence[_Numbered], topic: str) -> tuple[list[_Outcome], float]:
    """Run tasks on a worker, the first one at least; return what came of them, and the seconds.

    How far each is, it tells those who listen to `topic`.
    """
    worker = get_worker()
    use_threads(worker.state.nthreads)
    began, outcomes = time.monotonic(), []
    for index, task in tasks:
        with telling(_Teller(partial(worker.log_event, topic), index)):
            outcomes.append(_attempt(task))
        if time.monotonic() - began > LONGEST_CALL_S:
            break
    return outcomes, time.monotonic() - began


@dataclass(slots=True)
class _Teller:
    """Tells now and then how many voxels of a task are done."""

    log: Callable[[tuple[int, int]], None]
    index: int
    voxels: int = 0
    told: float = field(default_factory=time.monotonic)

    def __call__(self, voxels: int) -> None:
        self.voxels += voxels
        if time.monotonic() - self.told >= TELL_S:
            self.told = time.monotonic()
            self.log((self.index, self.voxels))


def _attempt(task: Task) -> _Outcome:
    try:
        return task(), None, ""
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this task's)
        return None, _portable(error), traceback.format_exc()
    except BaseException as error:
        if not is_panic(error):
            raise
        return None, RuntimeError(f"a native library failed: {error}"), traceback.format_exc()


def _portable(error: Exception) -> Exception:
    """Return the error, or what is left of one that cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (pickled the line itself)
    except Exception:  # noqa: BLE001  (an error's own code may do anything)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _cluster_failures() -> Iterator[None]:
    """Say that the cluster is lost where talking to it fails: tasks' own errors never come here."""
    try:
        yield
    except (OSError, RuntimeError, CancelledError) as error:
        raise ClusterLostError(
            f"the Dask scheduler is gone ({type(error).__name__}); start it and resume the job"
        ) from error


def _window(client: Client) -> int:
    """Return how many calls the cluster is given."""
    with _cluster_failures():
        threads = sum(client.nthreads(callback_timeout=ANSWER_S).values())
    return WINDOW_PER_THREAD * max(1, int(threads))


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
