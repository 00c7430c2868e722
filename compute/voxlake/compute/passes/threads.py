"""The threads that tasks share: heavy inner loops release the interpreter lock, so threads suffice.

A process has one pool, however many tasks run in it: tasks only hand out work and wait. How many
threads it has follows the worker's; tests and other programs may choose.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from voxlake.ngff.memory.freed import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future


WAITING = 4
"""Threads for each kind of work that waits for a store, beside those that compute."""


@dataclass(slots=True)
class _Shared:
    threads: int
    executor: ThreadPoolExecutor | None = None
    lock: Lock = field(default_factory=Lock)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_shared = _Shared(available_cores())


def use_threads(count: int) -> None:
    """Let the tasks of this process share `count` threads, from the next call on."""
    with _shared.lock:
        if count == _shared.threads:
            return
        if _shared.executor is not None:
            _shared.executor.shutdown(wait=False)
        _shared.threads, _shared.executor = max(1, count), None


def thread_count() -> int:
    """Return how many threads the tasks of this process share."""
    return _shared.threads


def submit[T](work: Callable[[], T]) -> Future[T]:
    """Run `work` on one of the threads; it must not wait for other work of theirs."""
    with _shared.lock:
        if _shared.executor is None:
            keep_freed_memory()
            _shared.executor = ThreadPoolExecutor(_shared.threads, "voxlake")
        return _shared.executor.submit(work)


def submit_waiting[T](work: Callable[[], T]) -> Future[T]:
    """Run `work` that mostly waits, for a disk or a server, beside the threads that compute."""
    return _waiting("voxlake-store").submit(work)


def submit_reading[T](work: Callable[[], T]) -> Future[T]:
    """Run `work` that reads from a server, which shards that are being sent do not keep waiting."""
    return _waiting("voxlake-read").submit(work)


@cache
def _waiting(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WAITING, name)


def run_ordered[T](works: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Yield what each of `works` returns, in their order, while the next ones run.

    Only a few are drawn ahead, so that little is held; after an error no further one begins.

    Examples
    --------
    >>> list(run_ordered(lambda n=n: n * n for n in range(4)))
    [0, 1, 4, 9]
    """
    running: deque[Future[T]] = deque()
    try:
        for work in works:
            running.append(submit(work))
            if len(running) > thread_count() + 1:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()
        for future in running:
            if not future.cancelled():
                future.exception()
