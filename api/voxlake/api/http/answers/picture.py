"""The answer that carries a picture: made whole, with an ETag, so that viewers keep it."""

from __future__ import annotations

from hashlib import blake2b
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Scope, Send

from voxlake.api.http.answers.cutout import CutoutReading, CutoutResponse
from voxlake.api.http.answers.stream import send_end, send_part, send_start
from voxlake.api.http.limits.budget import Budget, Held
from voxlake.api.http.requests.ranges import matches


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

    async def deliver(self, scope: Scope, send: Send, held: Held) -> None:  # noqa: ARG002
        """Send the picture, or that it is the one that the client has."""
        body = bytes(await self.make() or b"")
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
