"""Deadlines: until when work may go on, and whether somebody still waits for what comes of it.

A server sets one for each request. What works for the request, in whatever thread, looks at it
before each request to a store and while it waits for one. Where none is set, nothing is looked at.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from voxlake.platform.errors import TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOK_SECONDS = 0.1
"""How often one who waits looks at the deadline."""


class Deadline:
    """When work must be done; `give_up` ends it before. Used by several threads."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.given_up = seconds, False
        self.progressed: Callable[[], None] = self.renew
        """Called where a part of long work is done; by a server's event loop alone."""
        self.renew()

    def renew(self) -> None:
        """Begin to count from here: something was done."""
        self._end = monotonic() + self.seconds

    def give_up(self) -> None:
        """End the work: nobody waits for it."""
        self.given_up = True

    def check(self) -> None:
        """Raise TimedOutError if the work is to end."""
        if self.given_up:
            raise TimedOutError("the work was given up, as nobody waits for it any more")
        if monotonic() > self._end:
            raise self.passed()

    def passed(self) -> TimedOutError:
        """Return the error that it has passed."""
        return TimedOutError(
            f"nothing could be answered within {self.seconds:g} s; the store is slow, or too much "
            "was asked: ask for less, or again later"
        )


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def until(deadline: Deadline | None) -> Iterator[None]:
    """Let the deadline count for a ``with`` block; None: nothing may end what is in it.

    Examples
    --------
    >>> with until(Deadline(60)):
    ...     check_deadline()
    """
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def has_deadline() -> bool:
    """Return whether what runs here may be ended."""
    return _current.get() is not None


def give_up() -> None:
    """End what else is done for what runs here, in other threads."""
    deadline = _current.get()
    if deadline is not None:
        deadline.give_up()


def renew_deadline() -> None:
    """Count from here for what runs here: a part of long work is done, and the next begins."""
    deadline = _current.get()
    if deadline is not None:
        deadline.progressed()


def check_deadline() -> None:
    """Raise TimedOutError if what runs here is to end."""
    deadline = _current.get()
    if deadline is not None:
        deadline.check()


def under_deadline[**P, R](work: Callable[P, R]) -> Callable[P, R]:
    """Return `work` for another thread, where the deadline that counts here will count."""
    deadline = _current.get()
    if deadline is None:
        return work

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with until(deadline):
            return work(*args, **kwargs)

    return run


class Waitable[T](Protocol):
    """An answer to come, of `concurrent.futures` or of TensorStore."""

    def result(self, timeout: float | None = None) -> T:
        """Wait for the answer, and raise TimeoutError if it takes longer."""
        ...

    def done(self) -> bool:
        """Return whether it is there."""
        ...

    def cancel(self) -> object:
        """Give it up."""
        ...


def wait_for[T](answer: Waitable[T]) -> T:
    """Return the answer, or give it up with TimedOutError once the deadline has passed."""
    deadline = _current.get()
    if deadline is None:
        return answer.result()
    try:
        while True:
            deadline.check()
            try:
                return answer.result(LOOK_SECONDS)
            except TimeoutError:
                if answer.done():  # it came just then, or failed so itself
                    return answer.result()
    finally:
        answer.cancel()
