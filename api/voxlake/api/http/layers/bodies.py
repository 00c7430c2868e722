"""Bodies of requests: no longer than a limit, and here within a time."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxlake.api.http.answers.problems import from_error
from voxlake.api.http.layers.boss_paths import ROOT
from voxlake.api.http.layers.layer import Layer, with_headers
from voxlake.api.http.layers.public_address import inner_path
from voxlake.platform.errors import LimitExceededError, SlowBodyError

LIMIT_BYTES = 8 << 20
"""Largest body, but of voxels."""


class Bodies(Layer):
    """Refuses bodies that say that they are too long, and ends those that are, or that are slow.

    Until a route reads it, a body waits at the client; nothing of it is kept here.

    Parameters
    ----------
    seconds
        How long each `LIMIT_BYTES` of a body may take to come.
    voxels_bytes
        Largest body where voxels are written.
    """

    def __init__(self, app: ASGIApp, seconds: float, voxels_bytes: int) -> None:
        super().__init__(app)
        self.seconds, self.voxels_bytes = seconds, voxels_bytes

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        body = _Body(receive, self.seconds, self._limit_of(scope))
        send = with_headers(send, body.close_if_refused)
        try:
            body.count(int(Headers(scope=scope).get("content-length", 0)))
        except LimitExceededError as error:
            await from_error(scope, error)(scope, receive, send)
        else:
            body.size = 0
            await self.app(scope, body.receive, send)

    def _limit_of(self, scope: Scope) -> int:
        return max(self.voxels_bytes, LIMIT_BYTES) if _has_voxels(scope) else LIMIT_BYTES


def _has_voxels(scope: Scope) -> bool:
    """Return whether a request is to write voxels, by the native API or by bossDB's."""
    path, method = inner_path(scope), scope["method"]
    if method == "POST":
        return path.startswith(f"{ROOT}/cutout/")
    shard = path.startswith("/v2/jobs/") and "/upload/shards/" in path
    return method == "PUT" and (path.endswith("/cutout") or shard)


class _Body:
    """A body that is being read."""

    def __init__(self, receive: Receive, seconds: float, limit_bytes: int) -> None:
        self._receive = receive
        self._seconds, self._limit_bytes = seconds, limit_bytes
        self._ends = asyncio.get_running_loop().time() + seconds
        self._whole = self._refused = False
        self.size = 0

    async def receive(self) -> Message:
        """Return what came, for the application."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError as error:
            self._refused = True
            raise SlowBodyError(
                f"the body of the request was not here after {self._seconds:g} s; send less at a "
                "time, or raise VOXLAKE_GATEWAY_BODY_TIMEOUT_S at the server"
            ) from error
        self._whole = not message.get("more_body", False)
        done = self.size // LIMIT_BYTES
        self.count(len(message.get("body", b"")))
        self._ends += self._seconds * (self.size // LIMIT_BYTES - done)
        return message

    def count(self, size: int) -> None:
        """Add to the size of the body; raise LimitExceededError if that is too much."""
        self.size += size
        if self.size > self._limit_bytes:
            self._refused = True
            raise LimitExceededError(
                f"the body of the request has more than {self._limit_bytes} bytes; ask in parts"
            )

    def close_if_refused(self, headers: MutableHeaders) -> None:
        """Have the server close the connection rather than wait for the rest."""
        if self._refused:
            headers["Connection"] = "close"
