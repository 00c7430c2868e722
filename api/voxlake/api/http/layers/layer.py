"""Layers of the application: what is done around every request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Layer(ABC):
    """Stands around an application; what is no HTTP request goes past it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        serve = self.serve if scope["type"] == "http" else self.app
        await serve(scope, receive, send)

    @abstractmethod
    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""


def with_headers(send: Send, change: Callable[[MutableHeaders], object]) -> Send:
    """Return what sends as `send` does, after `change` was made to the headers of the answer."""

    async def send_changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            change(MutableHeaders(scope=message))
        await send(message)

    return send_changed
