"""Changes of one shard that come while it is being written are made together, in one commit.

A shard is read, changed and stored once for all of them, and each is answered when that is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from voxlake.ngff.grid.box import Box, Cell
from voxlake.ngff.shards.splice import Change
from voxlake.platform.deadline import until
from voxlake.platform.errors import CorruptDataError, InvalidInputError
from voxlake.platform.store import StoreURL

AT_ONCE = 8
"""Shards that are written at the same time."""
MOST_TOGETHER = 64
"""Changes of one commit."""

type WriteShard = Callable[[Sequence[Change], str, str | None], str]
"""Makes changes, by whom, to a shard in a known state; returns its new state."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A change of one shard."""

    volume: StoreURL
    cell: Cell
    """The shard, in the write grid."""
    write: WriteShard
    change: Change
    touched: Box
    """The change's box and all other voxels of the chunks that it touches."""
    by: str
    """Who asks for it."""
    known: str | None = None
    """State that the shard must be in; None: any."""
    done: asyncio.Future[str] = field(default_factory=asyncio.Future)
    """State of the shard after the commit."""


class Commits:
    """Makes changes of shards in threads; for one event loop."""

    def __init__(self) -> None:
        self._waiting = dict[tuple[StoreURL, Cell], list[Part]]()
        self._running = set[asyncio.Task[None]]()
        self._threads = ThreadPoolExecutor(AT_ONCE, "write")

    def ask(self, part: Part) -> asyncio.Future[str]:
        """Have a change made, to its end whoever leaves; return its `done`."""
        key = part.volume, part.cell
        if key in self._waiting:
            self._waiting[key].append(part)
            return part.done
        self._waiting[key] = [part]
        with until(None):
            task = asyncio.create_task(self._run(key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return part.done

    async def _run(self, key: tuple[StoreURL, Cell]) -> None:
        """Make the changes of a shard while there are any."""
        waiting = self._waiting[key]
        try:
            while waiting:
                await self._commit(taken_together(waiting))
        finally:
            del self._waiting[key]

    async def _commit(self, parts: list[Part]) -> None:
        first = parts[0]
        by = ", ".join(sorted({part.by for part in parts}))
        write = partial(first.write, [part.change for part in parts], by, first.known)
        try:
            etag = await asyncio.wrap_future(self._threads.submit(write))
        except Exception as error:  # noqa: BLE001  (those who wait are told)
            if len(parts) > 1 and isinstance(error, CorruptDataError | InvalidInputError):
                # Nothing was written, and it may be the fault of one of them.
                for part in parts:
                    await self._commit([part])
                return
            for part in _waiting(parts):
                part.done.set_exception(error)
        else:
            for part in _waiting(parts):
                part.done.set_result(etag)


def _waiting(parts: list[Part]) -> list[Part]:
    """Return those whose asker has not left."""
    return [part for part in parts if not part.done.done()]


def taken_together(waiting: list[Part]) -> list[Part]:
    """Take the first of those who wait, and all that may be made in one commit with it.

    No two of them touch the same chunk, and what depends on a state is made alone.
    """
    first = waiting.pop(0)
    together = [first]
    if first.known is not None:
        return together
    left = []
    for part in waiting:
        apart = all((part.touched & other.touched).is_empty for other in together)
        if part.known is None and apart and len(together) < MOST_TOGETHER:
            together.append(part)
        else:
            left.append(part)
    waiting[:] = left
    return together
