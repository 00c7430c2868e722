"""Run tasks on a cluster.

Tasks are streamed in a bounded window, so that neither client nor scheduler grows with a job, and
only small results come back. Short tasks travel several at a time, because every message to a
worker costs some milliseconds. What was done is remembered by the caller, outside Dask.
"""

from __future__ import annotations

import queue
import time
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from distributed import KilledWorker

from voxlake.compute.cluster.opening import ANSWER_S, cluster_failures
from voxlake.compute.cluster.suspects import Suspects
from voxlake.compute.cluster.work import work
from voxlake.platform.errors import ClusterLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from distributed import Client

    from voxlake.compute.cluster.work import Numbered
    from voxlake.compute.plan import Result

LOST_AFTER_S = 10
"""Seconds without the scheduler after which a job stops; it can be resumed."""

WORKERS_S = 300
"""Seconds without a worker after which a job stops: one that is started for it, on a machine that
is started for it, takes minutes."""

GATHER_S = 5
"""Seconds to wait for a result whose worker does not answer, before looking at others."""

WINDOW_PER_THREAD = 3
"""Calls on the cluster for each of its threads, so that none waits for the next."""

THREADS_LAST_S = 5.0
"""Seconds after which the cluster is asked again how many threads it has."""

CALL_S = 0.25
"""Tasks that are shorter are sent several at a time, for about so many seconds of work."""

MOST_PER_CALL = 100
"""Tasks sent at a time, at most."""

SHARE_IN_FLIGHT = 16
"""Of the tasks that are left, at most one in so many is on the cluster because tasks are short."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A task that came back."""

    index: int
    result: Result | None = None
    error: BaseException | None = None
    report: str = ""
    """The error with its traceback, as the worker saw it."""
    attempts: int = 1
    """How often it was tried for that."""


def run_tasks(
    client: Client,
    tasks: Iterable[Numbered],
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
        If the scheduler goes away, or there is no worker for `WORKERS_S` seconds. Tasks are sent
        to a cluster without workers, too: one that grows as it is asked starts them for these.
    """
    stream = _Stream(client, iter(tasks))
    try:
        check()
        stream.fill()
        while stream.running:
            check()
            under_way(stream.under_way())
            future = stream.next_finished()
            if future is None:
                stream.fill()  # Workers may have come.
                continue
            finished = stream.take(future)
            stream.fill()
            yield from finished
            stream.fill()
    finally:
        stream.give_up()


class _Stream:
    """The calls that are on the cluster, and what is to be sent next."""

    def __init__(self, client: Client, tasks: Iterator[Numbered]) -> None:
        self.running: dict[Any, Sequence[Numbered]] = {}
        self._client, self._tasks = client, tasks
        self._back: deque[Numbered] = deque()
        """Tasks that a worker handed back."""
        self._apart: deque[Numbered] = deque()
        """Tasks of a call that failed as a whole: which of them is at fault will be seen."""
        self._suspects = Suspects(client)
        self._alone: Any = None
        """The call that is the only one on the cluster, so that no other is blamed."""
        self._finished: queue.Queue[Any] = queue.Queue()
        self._per_call = 1
        self._topic = f"voxlake-{uuid4().hex}"
        self._told: dict[int, int] = {}
        """Voxels that tasks in flight say they have done, by their indices."""
        self._signs: deque[tuple[float, tuple[int, int]]] = deque()
        """What they say, as it comes in, in a thread of the client."""
        client.subscribe_topic(self._topic, self._signs.append)
        self._silent_since: float | None = None
        self._threads, self._threads_asked = _threads(client), time.monotonic()
        self._idle_since: float | None = None
        """Since when there has been no worker."""

    def fill(self) -> None:
        """Submit calls until the window is full or nothing is left."""
        self._follow_cluster()
        if self._alone is not None:
            return
        while len(self.running) < self._window() and (tasks := self._draw()):
            self._send(tasks)
        if self._suspects and not self.running:
            self._alone = self._send([self._suspects.take()])

    def next_finished(self) -> Any:
        """Return a call that came back, or None after a second without one."""
        try:
            future = self._finished.get(timeout=1)
        except queue.Empty:
            self._check_scheduler()
            self._check_workers()
            return None
        self._silent_since = None
        return future

    def take(self, future: Any) -> list[Finished]:
        """Return what came of the tasks of a call; none if they have to run again."""
        if future.status == "error":
            with cluster_failures():
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
            with cluster_failures():
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
        self._suspects.close()
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
        """Ask now and then how many threads there are: workers come and go."""
        lasts = time.monotonic() < self._threads_asked + THREADS_LAST_S
        if lasts or self._client.status != "running":
            return
        with suppress(ClusterLostError):  # `_check_scheduler` tells a pause from an end.
            self._threads = _threads(self._client)
        self._threads_asked = time.monotonic()

    def _window(self) -> int:
        """Return how many calls the cluster is given; some, too, for workers to come."""
        return WINDOW_PER_THREAD * max(1, self._threads)

    def _send(self, tasks: Sequence[Numbered]) -> Any:
        key = f"{_name_of(tasks)}-{uuid4().hex}"
        with cluster_failures():
            future = self._client.submit(work, tasks, self._topic, key=key, pure=False, retries=0)
        self.running[future] = tasks
        self._told.update((index, 0) for index, _ in tasks)
        future.add_done_callback(self._finished.put)
        return future

    def _failed(self, future: Any, error: BaseException) -> list[Finished]:
        was_alone, attempts = future is self._alone, 1
        tasks = self._returned(future)
        if isinstance(error, KilledWorker):
            if not was_alone:
                self._suspects.add(tasks, self._window())
                return []
            # Those before it ran alone, and these.
            attempts = 2 * (error.allowed_failures + 1)
            error = self._suspects.judge(error)
        elif len(tasks) > 1:
            self._apart.extend(tasks)
            return []
        report = "".join(traceback.format_exception(error))
        return [Finished(tasks[0][0], error=error, report=report, attempts=attempts)]

    def _returned(self, future: Any) -> Sequence[Numbered]:
        tasks = self.running.pop(future)
        if future is self._alone:
            self._alone = None
        future.release()
        for index, _ in tasks:
            self._told.pop(index, None)
        return tasks

    def _draw(self) -> list[Numbered]:
        if self._suspects.are_due:
            return []
        if self._apart:
            return [self._apart.popleft()]
        if self._back:
            return [self._back.popleft()]
        left = length_hint(self._tasks, MOST_PER_CALL * SHARE_IN_FLIGHT * self._window())
        fair = left // (SHARE_IN_FLIGHT * self._window())
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

    def _check_workers(self) -> None:
        if self._threads:
            self._idle_since = None
            return
        self._idle_since = self._idle_since or time.monotonic()
        if time.monotonic() - self._idle_since >= WORKERS_S:
            raise ClusterLostError(
                f"the Dask cluster has had no worker for {WORKERS_S} s; start some and resume the "
                "job"
            )


def _name_of(tasks: Sequence[Numbered]) -> str:
    """Return what Dask's dashboard calls such tasks."""
    task: object = tasks[0][1]
    while isinstance(task, partial):
        task = task.func
    return str(getattr(task, "__name__", type(task).__name__))


def _threads(client: Client) -> int:
    """Return how many threads the workers of the cluster have."""
    with cluster_failures():
        return int(sum(client.nthreads(callback_timeout=ANSWER_S).values()))
