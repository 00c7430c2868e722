"""Tasks that were there when workers died: which of them the workers died of is found out.

A worker that dies takes along all that was sent to it: the task that it died of, and what ran
beside that or waited behind it. Dask runs all of it again, and gives up whatever was there too
often. So that none is blamed for another, those run once more, each of them alone.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client
    from distributed.scheduler import KilledWorker

    from voxlake.compute.cluster.work import Numbered

ENDED = "worker-restart-memory"
"""The topic on which Dask tells of workers that it ended as they filled more than they may."""

HEARD_S = 1.0
"""Seconds in which it has told of one whose death is known already."""


class Suspects:
    """Those of a stage, for as long as it runs."""

    def __init__(self, client: Client) -> None:
        self.are_due = False
        """Whether they have become so many that all else waits for them."""
        self._client = client
        self._tasks: deque[Numbered] = deque()
        self._ended: dict[str, int] = {}
        """Bytes that workers had filled when they were ended for that, by address."""
        client.subscribe_topic(ENDED, self._note)

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, tasks: Sequence[Numbered], most: int) -> None:
        """Take in tasks; `most` are as many as may wait until nothing else is left to do."""
        self._tasks.extend(tasks)
        self.are_due |= len(self._tasks) >= most

    def take(self) -> Numbered:
        """Return one that is to run alone."""
        task = self._tasks.popleft()
        self.are_due &= bool(self._tasks)
        return task

    def judge(self, error: KilledWorker) -> Exception:
        """Return what is to be said of a task that workers died of though it ran alone."""
        last, times = error.last_worker, error.allowed_failures + 1
        filled = self._filled(last.address)
        verdict: Exception
        if filled is None:
            verdict = RuntimeError(
                f"{times} workers in a row, the last {last.address}, died of this task, which ran "
                "alone: of too little memory, most often, or of a fault of native code; see the "
                "worker's log"
            )
        else:
            verdict = MemoryError(
                f"{times} workers in a row, the last {last.address}, were ended for the memory of "
                f"this task, which ran alone: {filled:,} bytes, of {last.memory_limit:,} that a "
                "worker may fill; look whether its source is larger than it says, or give workers "
                "more memory (--memory-limit)"
            )
        verdict.__cause__ = error
        return verdict

    def close(self) -> None:
        """Hear no more of workers."""
        self._client.unsubscribe_topic(ENDED)

    def _note(self, event: tuple[float, Any]) -> None:
        _, told = event
        self._ended[told["worker"]] = told["rss"]

    def _filled(self, address: str) -> int | None:
        """Return what a worker that died had filled; None if that is not what it was ended for."""
        until = time.monotonic() + HEARD_S
        while address not in self._ended and time.monotonic() < until:
            time.sleep(HEARD_S / 20)
        return self._ended.get(address)
