"""The answer that carries a picture: made whole, with an ETag, so that viewers keep it."""

from __future__ import annotations

from hashlib import blake2b
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Receive, Scope, Send

from voxlake.api.http.answers.cutout import CutoutReading, CutoutResponse
from voxlake.api.http.answers.stream import send_end, send_part, send_start
from voxlake.api.http.limits.budget import Budget
from voxlake.api.http.requests.ranges import matches
from voxlake.platform.deadline import give_up


class PictureResponse(CutoutResponse):
    """Reads and draws a slice, and sends it unless the client has the same already.

    Voxels may be written at any time: caches keep pictures, and ask whether they still hold. Those
    of a private dataset are kept by nobody but the reader.

    Raises
    ------
    LimitExceededError
        At once, if the slice would never fit in the budget.
    """

    def __init__(self, reading: CutoutReading, budget: Budget, *, public: bool) -> None:
        super().__init__(reading, budget)
        self.shared = "public" if public else "private"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve one request."""
        async with self.budget.hold(self.held_bytes) as held:
            try:
                await self.prepare(held)
                body = bytes(await self.run(self._whole) or b"")
                await self._send(scope, send, body)
            except BaseException:
                give_up()
                raise

    async def _send(self, scope: Scope, send: Send, body: bytes) -> None:
        headers = MutableHeaders(raw=list(self.raw_headers))
        headers["ETag"] = etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        headers["Cache-Control"] = f"{self.shared}, no-cache"
        known = Headers(scope=scope).get("if-none-match")
        if known is not None and matches(known, etag, weak=True):
            await send_start(send, headers.raw, HTTPStatus.NOT_MODIFIED)
        else:
            headers["Content-Length"] = str(len(body))
            await send_start(send, headers.raw)
            await send_part(send, body)
        await send_end(send)

    def _whole(self) -> bytes:
        return b"".join(self.parts)
