"""Answers that are made as they are sent: part by part, in threads, never all in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock

from anyio import CancelScope, to_thread
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voxlake.api.http.budget import Budget
from voxlake.api.http.leaving import ClientGoneError, run_while_wanted

STREAM_BYTES = 64 << 20
"""Memory that counts for an answer whose parts are made one after another."""


class StreamResponse(Response):
    """Makes parts and sends them, the next when the client has taken the one before.

    A failure before the first part is answered as a problem. After it the connection is cut off
    without the end of the body, so that the client sees that something is missing. If the client
    goes away, making is given up.

    Parameters
    ----------
    make
        Called in a thread; the parts are taken in threads.
    headers
        What describes the body.
    budget
        `held` bytes count against it until the last part is sent.
    held
        Memory that making takes.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[bytes]],
        headers: Mapping[str, str],
        budget: Budget,
        held: int = STREAM_BYTES,
    ) -> None:
        super().__init__()
        self.make, self.budget, self.held = make, budget, held
        fixed = {"Vary": "Accept, Authorization, Cookie", "Cache-Control": "no-cache"}
        self.raw_headers = MutableHeaders(headers={**fixed, **headers}).raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve one request."""
        try:
            await run_while_wanted(receive, self._serve(send))
        except ClientGoneError:
            return

    async def _serve(self, send: Send) -> None:
        async with self.budget.hold(self.held):
            parts = _Parts(await to_thread.run_sync(self.make))
            try:
                await self._send(parts, send)
            finally:
                with CancelScope(shield=True):
                    await to_thread.run_sync(parts.close)

    async def _send(self, parts: _Parts, send: Send) -> None:
        part = await to_thread.run_sync(parts.next)
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        while part is not None:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part = await to_thread.run_sync(parts.next)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Parts:
    """Parts that threads take, one thread at a time.

    A coroutine that is cancelled while a thread makes a part for it goes on at once; the thread
    does not, and a generator that runs cannot be closed.
    """

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._lock = iter(parts), Lock()

    def next(self) -> bytes | None:
        """Return the next part; None if there is none."""
        with self._lock:
            return next(self._parts, None)

    def close(self) -> None:
        """Wait for the part that is being made, and end a generator, so that its threads end."""
        with self._lock:
            if close := getattr(self._parts, "close", None):
                close()
