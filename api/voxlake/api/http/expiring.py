"""A small cache whose entries are asked for again after a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial

from anyio import to_thread

from voxlake.api.http.again import read_again


class Expiring[K, V]:
    """Remembers up to `size` values for `seconds` each. For one event loop.

    A value that cannot be had is not remembered: the error is raised each time.
    """

    def __init__(self, seconds: float, size: int = 1024) -> None:
        self.seconds, self.size = seconds, size
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    async def get(self, key: K, find: Callable[[], V]) -> V:
        """Return the value of `key`; `find` looks it up, in a thread, if it is not remembered."""
        return await self.look_up(key, partial(read_again, partial(to_thread.run_sync, find)))

    async def look_up(self, key: K, find: Callable[[], Awaitable[V]]) -> V:
        """Return the value of `key`; `find` looks it up if it is not remembered."""
        entry = self._entries.get(key)
        if entry is not None and time.monotonic() < entry[0]:
            return entry[1]
        value = await find()
        self._entries[key] = (time.monotonic() + self.seconds, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self.size:
            self._entries.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """Look the value of `key` up again when it is asked for."""
        self._entries.pop(key, None)
