"""The tasks of a stage that are still to run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

    from voxlake.compute.plan import Plan, Task


class Pending(Iterator[tuple[int, "Task"]]):
    """The tasks still to run, none after `stop`; those that failed come again at the end.

    Parameters
    ----------
    plan
        The stage's plan.
    done
        A mark for each of its tasks: 1 if it is done.
    stop
        Set when no more are to be begun.
    """

    def __init__(self, plan: Plan, done: bytearray, stop: Event) -> None:
        self._plan, self._stop = plan, stop
        self._fresh = (index for index, is_done in enumerate(done) if not is_done)
        self._left = done.count(0)
        self._again: deque[int] = deque()
        self.set_aside = 0
        """Tasks that failed too often."""
        self.too_large = 0
        """Those of them that workers were ended for, as they filled more than they may."""

    def try_again(self, index: int) -> None:
        """Let a task that failed come once more."""
        self._again.append(index)

    def __length_hint__(self) -> int:
        return self._left + len(self._again)

    def __next__(self) -> tuple[int, Task]:
        if self._stop.is_set():
            raise StopIteration
        index = next(self._fresh, None)
        if index is not None:
            self._left -= 1
            return index, self._plan.task(index)
        if not self._again:
            raise StopIteration
        index = self._again.popleft()
        return index, self._plan.task(index)
