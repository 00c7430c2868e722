"""A reading: an answer to come, worked on by all threads that have nothing better to do.

They are those of the process, and the one that waits for it. So it is begun when it is waited for,
or when another is asked for before: a small one needs no other thread. Readings are worked on in
turn, a few milliseconds each, so that a large one holds up no small one.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections import deque
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from voxlake.platform.deadline import under_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

TURN_SECONDS = 0.005
"""How long a thread works on one reading while others may wait."""

type Work = Callable[[], object]


class Reading[T]:
    """The answer that is there once all works are done; the first that fails ends the others.

    Nothing works on it any more when the answer or the failure is told.
    """

    def __init__(self, answer: T) -> None:
        self._answer, self._future = answer, Future[T]()
        self._works, self._lock = deque[Work](), Lock()
        self._turns = self._running = 0
        self._left = 1
        self._most = self._helping = 0  # of the process' threads; and those that wait for it
        self._error: BaseException | None = None
        # Of the class: by a method of its own it would hold itself, and its voxels.
        self._take_turn = under_deadline(Reading.turn)

    def add(self, works: Sequence[Work]) -> None:
        """Let threads do `works`, before those that wait; for its maker, and for works of it.

        So a file that a work opened is read and closed before many others are open.
        """
        with self._lock:
            if self._is_over:
                return
            self._works.extendleft(reversed(works))
            self._left += len(works)
        self._call_threads()

    def start(self) -> None:
        """Let the threads of the process begin."""
        self._most = most_threads()
        self._call_threads()

    def begun(self) -> None:
        """Say that all works were added, but for those that works add."""
        with self._lock:
            self._left -= 1
        self._end_if_done()

    def fail(self, error: BaseException) -> None:
        """End it with an error."""
        with self._lock:
            self._error = self._error or error

    def when_given_up(self, then: Callable[[], object]) -> None:
        """Call `then` if nobody wants the answer any more."""
        self._future.add_done_callback(lambda future: then() if future.cancelled() else None)

    def result(self, timeout: float | None = None) -> T:
        """Work until nothing is left to begin, then wait for the answer."""
        with self._lock:
            self._helping += 1
        self.start()
        while self._do_one():
            pass
        with self._lock:
            self._helping -= 1
        self._call_threads()  # for works that came just then
        return self._future.result(timeout)

    def done(self) -> bool:
        """Return whether the answer is there."""
        return self._future.done()

    def cancel(self) -> bool:
        """Give it up: works that have not begun are not done."""
        return self._future.cancel()

    def __await__(self) -> Generator[Any, None, T]:
        self.start()
        return asyncio.wrap_future(self._future).__await__()

    @property
    def _is_over(self) -> bool:
        return self._error is not None or self._future.cancelled()

    def _call_threads(self) -> None:
        with self._lock:
            wanted = min(len(self._works), self._most) - self._helping
            more = max(0, wanted - self._turns)
            self._turns += more
        for _ in range(more):
            _THREADS.submit(self._take_turn, self)

    def turn(self) -> None:
        """Work on it for a while, in a thread of the process."""
        end = monotonic() + TURN_SECONDS
        while monotonic() < end:
            if not self._do_one() and self._leave():
                return
        _THREADS.submit(self._take_turn, self)

    def _leave(self) -> bool:
        """End a turn, unless a work came just then that nobody else would do."""
        with self._lock:
            leaves = not self._works or self._running >= most_threads()
            self._turns -= leaves
            return leaves

    def _do_one(self) -> bool:
        """Do a work; False if there is none, or enough threads do."""
        with self._lock:
            if self._is_over:
                self._left -= len(self._works)
                self._works.clear()
            if not self._works or self._running >= most_threads():
                return False
            work = self._works.popleft()
            self._running += 1
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (told to who waits)
            self.fail(error)
        with self._lock:
            self._running -= 1
            self._left -= 1
        self._end_if_done()
        return True

    def _end_if_done(self) -> None:
        with self._lock:
            if self._left > len(self._works) * self._is_over:
                return
        # It may be given up at any time.
        with suppress(InvalidStateError):
            if self._error is None:
                self._future.set_result(self._answer)
            else:
                self._future.set_exception(self._error)


class Begun:
    """Starts a reading when another one is made before anybody waits for it."""

    def __init__(self) -> None:
        self._last: Callable[[], Reading[Any] | None] = lambda: None

    def follow(self, reading: Reading[Any]) -> None:
        """Take notice of a reading that was made."""
        before, self._last = self._last(), weakref.ref(reading)
        if before is not None:
            before.start()


BEGUN = Begun()
"""Of this process."""


@cache
def most_threads() -> int:
    """Return how many threads work on readings."""
    return os.cpu_count() or 1


_THREADS = ThreadPoolExecutor(most_threads(), "voxlake-reading")
