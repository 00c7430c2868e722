"""Stop working for clients that went away: no server does it for a handler that awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive


class ClientGoneError(Exception):
    """The client closed the connection before its answer was ready. Never leaves the gateway."""


async def run_while_wanted[T](receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; cancel it if the client goes away first.

    Raises
    ------
    ClientGoneError
        If it did.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.wait({task, gone})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
