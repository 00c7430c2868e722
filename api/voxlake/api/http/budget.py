"""A budget of bytes in memory: requests wait their turn, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress


class Held:
    """Bytes of a budget that somebody holds, and may give back bit by bit."""

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget, self.size = budget, size

    def shrink(self, size: int) -> None:
        """Hold no more than `size` bytes from here on."""
        given = max(self.size - size, 0)
        self.size -= given
        self._budget.give(given)


class Budget:
    """Lets holders in while their bytes fit in `limit_bytes`. For one event loop."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.used_bytes = limit_bytes, 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[Held]:
        """Hold `size` bytes; more than the limit count as all of it."""
        held = Held(self, min(size, self.limit_bytes))
        await self._take(held.size)
        try:
            yield held
        finally:
            held.shrink(0)

    @contextmanager
    def count(self, size: int) -> Iterator[None]:
        """Hold `size` bytes at once, even above the limit: for little that must not wait."""
        self.used_bytes += size
        try:
            yield
        finally:
            self.give(size)

    def give(self, size: int) -> None:
        """Give back `size` bytes, and let in those at the head of the queue that fit."""
        self.used_bytes -= size
        while self._waiting and self.used_bytes + self._waiting[0][0] <= self.limit_bytes:
            size, turn = self._waiting.popleft()
            if not turn.cancelled():  # else who waited has left, and does not know it yet
                self.used_bytes += size
                turn.set_result(None)

    async def _take(self, size: int) -> None:
        if not self._waiting and self.used_bytes + size <= self.limit_bytes:
            self.used_bytes += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(size)  # the turn had come: pass it on
            else:
                with suppress(ValueError):
                    self._waiting.remove((size, turn))
                self.give(0)
            raise
