"""A budget of bytes in memory: requests wait their turn, those who hold least first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from voxlake.api.http.limits.account import ACCOUNT


class Held:
    """Bytes of a budget that somebody holds, and may give back bit by bit."""

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget, self.size, self.account = budget, size, ACCOUNT.get()

    def shrink(self, size: int) -> None:
        """Hold no more than `size` bytes from here on."""
        given = max(self.size - size, 0)
        self.size -= given
        self._budget.give(given, self.account)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Who waits for so many bytes, and for the turn."""

    account: str | None
    size: int
    turn: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Budget:
    """Lets holders in while their bytes fit in `limit_bytes`. For one event loop.

    One account holds at most three quarters, whatever it asks for, so that there is room for
    others at any time. Of those who wait, the account that holds least is let in first, and who
    came first of one account; nobody overtakes them.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.used_bytes = limit_bytes, 0
        self._held = Counter[str | None]()
        self._waiting = list[_Waiting]()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    @property
    def share_bytes(self) -> int:
        """Most that the account which is served may hold."""
        return self._share_of(ACCOUNT.get())

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[Held]:
        """Hold `size` bytes; more than `share_bytes` count as all of these."""
        held = Held(self, min(size, self.share_bytes))
        await self._take(_Waiting(held.account, held.size))
        try:
            yield held
        finally:
            held.shrink(0)

    @contextmanager
    def count(self, size: int) -> Iterator[None]:
        """Hold `size` bytes at once, even above the limit: for little that must not wait."""
        account = ACCOUNT.get()
        self._add(account, size)
        try:
            yield
        finally:
            self.give(size, account)

    def give(self, size: int, account: str | None) -> None:
        """Give back `size` bytes of an account, and let in those whose turn it is."""
        self._add(account, -size)
        self._let_in()

    async def _take(self, asked: _Waiting) -> None:
        self._waiting.append(asked)
        self._let_in()
        try:
            await asked.turn
        except asyncio.CancelledError:
            if asked.turn.done() and not asked.turn.cancelled():
                self.give(asked.size, asked.account)  # the turn had come: pass it on
            else:
                with suppress(ValueError):
                    self._waiting.remove(asked)
                self._let_in()
            raise

    def _let_in(self) -> None:
        while (first := self._first()) and self.used_bytes + first.size <= self.limit_bytes:
            self._waiting.remove(first)
            if not first.turn.cancelled():  # else who waited has left, and does not know it yet
                self._add(first.account, first.size)
                first.turn.set_result(None)

    def _first(self) -> _Waiting | None:
        """Return whose turn is next; None if all who wait hold their share already."""
        firsts = dict[str | None, _Waiting]()
        for each in self._waiting:
            firsts.setdefault(each.account, each)
        allowed = (
            each
            for each in firsts.values()
            if self._held[each.account] + each.size <= self._share_of(each.account)
        )
        return min(allowed, key=lambda each: self._held[each.account], default=None)

    def _share_of(self, account: str | None) -> int:
        return self.limit_bytes if account is None else self.limit_bytes * 3 // 4

    def _add(self, account: str | None, size: int) -> None:
        self.used_bytes += size
        self._held[account] += size
        if not self._held[account]:
            del self._held[account]
