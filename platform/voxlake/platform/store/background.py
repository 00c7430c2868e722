"""The event loop that requests of this process to its stores run in."""

from __future__ import annotations

import asyncio
from functools import cache
from threading import Lock, Thread

_first = Lock()


def background_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs in a thread of its own until the process ends: the same to all."""
    with _first:
        return _begun()


@cache
def _begun() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="store-requests", daemon=True).start()
    return loop
