"""HEAD wherever GET is: the same answer, without its body (RFC 9110, section 9.3.2)."""

from __future__ import annotations

from contextlib import suppress

from starlette.types import Message, Receive, Scope, Send

from voxlake.api.http.layers.layer import Layer
from voxlake.api.http.layers.public_address import inner_path

NATIVE = ("/zarr/", "/flat/")
"""Addresses below these answer HEAD themselves, without reading what they would send."""


class HeadAsGet(Layer):
    """Has routes answer HEAD as GET, up to the body."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["method"] != "HEAD" or inner_path(scope).startswith(NATIVE):
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            # Whoever makes a body learns that nobody takes it.
            elif message.get("more_body"):
                raise _EnoughError

        with suppress(_EnoughError):
            await self.app({**scope, "method": "GET"}, receive, send_head)


class _EnoughError(Exception):
    """The head of an answer is sent, and no more is wanted."""
