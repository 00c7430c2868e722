"""Addresses that end in a line end, which patterns of routes would not see."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from voxlake.api.http.answers.problems import on_http_exception
from voxlake.api.http.layers.layer import Layer


class LineEnds(Layer):
    """Has addresses that end in a line end lead nowhere: ``$`` in a pattern matches before it."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        app = self.app
        if scope["path"].endswith("\n"):
            nowhere = HTTPException(HTTPStatus.NOT_FOUND)
            app = await on_http_exception(Request(scope), nowhere)
        await app(scope, receive, send)
