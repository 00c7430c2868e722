"""Questions about labels: asked in a few threads of their own, so that reads have theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from voxlake.api.http.again import read_again
from voxlake.api.http.limits.budget import Budget
from voxlake.platform.deadline import under_deadline

AT_ONCE = 8
"""Questions that are worked on at the same time, six of them of one account; others wait."""
QUESTION_BYTES = 64 << 20
"""Memory that counts for a question while it is worked on."""


class Questions:
    """Answers questions in threads while somebody waits for the answers; for one event loop."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._turns, self._parts = Budget(AT_ONCE), Budget(AT_ONCE)
        self._threads = ThreadPoolExecutor(2 * AT_ONCE, "question")

    async def ask[T](self, question: Callable[[], T], held_bytes: int = QUESTION_BYTES) -> T:
        """Return the answer to a question that takes so much memory, which counts meanwhile."""
        async with self._turns.hold(1), self.budget.hold(held_bytes):
            return await read_again(partial(self._run, question))

    async def go_on[T](self, question: Callable[[], T]) -> T:
        """Return one more part of an answer whose memory is counted already.

        It takes no turn of those who wait for memory in theirs, and so never waits for them.
        """
        async with self._parts.hold(1):
            return await self._run(question)

    async def _run[T](self, question: Callable[[], T]) -> T:
        # One whose asker leaves keeps its thread until it looks at its deadline.
        return await asyncio.wrap_future(self._threads.submit(under_deadline(question)))
