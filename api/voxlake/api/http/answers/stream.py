"""Answers that are made as they are sent: part by part, in threads, never all in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from threading import Lock
from types import MappingProxyType

from anyio import CancelScope, to_thread
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voxlake.api.http.limits.budget import Budget, Held
from voxlake.platform.deadline import give_up

STREAM_BYTES = 64 << 20
"""Memory that counts for an answer whose parts are made one after another."""
SOCKET_BYTES = 64 << 10
"""What the server's transport of a connection may hold of bytes that its socket did not take yet.

It is the limit that asyncio and uvloop have; it is not counted.
"""
_PIECE_BYTES = 1 << 20
"""Sent at a time: a server may copy what it frames."""

FIXED_HEADERS: Mapping[str, str] = MappingProxyType(
    {"Vary": "Accept, Authorization, Cookie", "Cache-Control": "no-cache"}
)
"""Of answers that differ by who asks and how: caches ask each time."""

type Run = Callable[[Callable[[], bytes | memoryview | None]], Awaitable[bytes | memoryview | None]]


async def send_start(send: Send, headers: list[tuple[bytes, bytes]], status: int = 200) -> None:
    """Send the head of an answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def send_part(send: Send, part: bytes | memoryview) -> None:
    """Send a part of a body; returns when the socket took all of it but `SOCKET_BYTES`.

    Nothing refers to the memory of `part` then.
    """
    view = memoryview(part)
    cut = max(len(view) - SOCKET_BYTES, 0)
    for start in range(0, cut, _PIECE_BYTES):
        await _send(send, view[start : min(start + _PIECE_BYTES, cut)])
    await _send(send, bytes(view[cut:]))
    # A server waits for the socket before it writes, not after.
    await _send(send, b"")


async def send_end(send: Send) -> None:
    """Send the end of a body."""
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send(send: Send, body: bytes | memoryview) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


class StreamResponse(Response):
    """Makes parts and sends them, the next when the client has taken the one before.

    A failure before the first part is answered as a problem. After it the connection is cut off
    without the end of the body, so that the client sees that something is missing. If the client
    goes away, making is given up (`leaving.WhileWanted`).

    Parameters
    ----------
    parts
        Made as they are taken, in threads.
    headers
        What describes the body.
    budget
        `held_bytes` count against it until the last part is sent.
    held_bytes
        Memory that making takes.
    run
        Makes the next part in a thread.
    """

    def __init__(
        self,
        parts: Iterator[bytes] | Iterator[memoryview],
        headers: Mapping[str, str],
        budget: Budget,
        held_bytes: int = STREAM_BYTES,
        run: Run = to_thread.run_sync,
    ) -> None:
        super().__init__()
        self.parts, self.budget, self.held_bytes, self.run = parts, budget, held_bytes, run
        # A coroutine that is cancelled while a thread makes a part for it goes on at once; the
        # thread does not, and a generator that runs cannot be closed.
        self._lock = Lock()
        self.raw_headers = MutableHeaders(headers={**FIXED_HEADERS, **headers}).raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve one request."""
        async with self.budget.hold(self.held_bytes) as held:
            try:
                await self.prepare(held)
                await self.deliver(scope, send, held)
            except BaseException:
                give_up()
                with CancelScope(shield=True):
                    await to_thread.run_sync(self._close)
                raise
            finally:
                await self.end()

    async def prepare(self, held: Held) -> None:
        """Do what is to be done before parts can be made, when it is their turn."""

    async def deliver(self, scope: Scope, send: Send, held: Held) -> None:  # noqa: ARG002
        """Send the answer."""
        part = await self.make()
        await send_start(send, self.raw_headers)
        while part is not None:
            size = len(part)
            await send_part(send, part)
            part = None  # before the next is made
            self.free(held, size)
            part = await self.make()
        await send_end(send)

    async def make(self) -> bytes | memoryview | None:
        """Return the next part; None: that was all."""
        return await self.run(self._next)

    def free(self, held: Held, size: int) -> None:
        """Do what is to be done when a part of so many bytes is sent, and not in memory."""

    async def end(self) -> None:
        """End what else was begun for the answer."""

    def _next(self) -> bytes | memoryview | None:
        with self._lock:
            return next(self.parts, None)

    def _close(self) -> None:
        """Wait for the part that is being made, and end a generator, so that its threads end."""
        with self._lock:
            if close := getattr(self.parts, "close", None):
                close()
