"""Asks an application in this process, without a socket: hundreds of requests in a second."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class InProcess:
    """An application, and the event loop that it lives in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.runner.close()

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Return the answer to a request; `body` is sent as JSON, if it is not None."""
        return self.runner.run(self.asked(method, target, headers, body))

    async def asked(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Return the answer, as `ask`."""
        path, _, query = target.partition("?")
        given = {"host": "localhost", **(headers or {})}
        sent = b"" if body is None else json.dumps(body).encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), text.encode()) for name, text in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        requests: list[Message] = [{"type": "http.request", "body": sent, "more_body": False}]
        messages: list[Message] = []

        async def receive() -> Message:
            if requests:
                return requests.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start = messages[0]
        names = {name.decode(): text.decode() for name, text in start["headers"]}
        parts = (bytes(message.get("body", b"")) for message in messages[1:])
        return Answer(start["status"], names, b"".join(parts))
