"""A budget of bytes in memory: requests wait their turn, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Hold `size` bytes; more than the limit count as all of it."""
        size = min(size, self.limit_bytes)
        await self._take(size)
        try:
            yield
        finally:
            self._give(size)

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
                self._give(size)  # the turn had come: pass it on
            else:
                self._waiting.remove((size, turn))
                self._admit()
            raise

    def _give(self, size: int) -> None:
        self.used_bytes -= size
        self._admit()

    def _admit(self) -> None:
        """Let in those at the head of the queue that fit."""
        while self._waiting and self.used_bytes + self._waiting[0][0] <= self.limit_bytes:
            size, turn = self._waiting.popleft()
            self.used_bytes += size
            turn.set_result(None)
