"""Errors for people: where a browser asks for a page, a problem is told as one."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from voxlake.api.console.pages.page import headers_of, known_principal, render
from voxlake.api.http.answers.problems import MEDIA_TYPE
from voxlake.api.http.layers.envelope import DATA
from voxlake.api.http.layers.layer import Layer
from voxlake.api.http.layers.public_address import inner_path
from voxlake.documents.problem import Problem

TITLES = {
    HTTPStatus.UNAUTHORIZED: "Who are you?",
    HTTPStatus.FORBIDDEN: "This is not for you to do",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.CONFLICT: "This cannot be done as things are",
    HTTPStatus.TOO_MANY_REQUESTS: "That was too much in a short time",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not at this moment",
}
"""What a page says of an error above its details; of others what the problem says."""


class ErrorPages(Layer):
    """Around all that answers with problems: tells them as pages to browsers that ask for one."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if is_page(scope):
            send = _PageInstead(scope, send).send
        await self.app(scope, receive, send)


def is_page(scope: Scope) -> bool:
    """Return whether somebody asks for a page, with a browser; programs do not say `text/html`."""
    if scope["method"] not in {"GET", "POST"} or inner_path(scope).startswith(DATA):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


class _PageInstead:
    """Sends an answer on, and a page in the place of a problem."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Send a message of the application; those of a problem are kept until it is whole."""
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type") != MEDIA_TYPE:
                await self._send(message)
                return
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self._start)

    async def _send_page(self, start: Message) -> None:
        body = _error_page(self._scope, Problem.model_validate_json(self._body)).encode()
        headers = MutableHeaders(raw=start["headers"])
        headers.update(headers_of(self._scope))
        headers["Content-Type"] = "text/html; charset=utf-8"
        headers["Content-Length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _error_page(scope: Scope, problem: Problem) -> str:
    status = HTTPStatus(problem.status or HTTPStatus.INTERNAL_SERVER_ERROR)
    return render(
        scope,
        known_principal(scope),
        "error.html",
        title=TITLES.get(status, problem.title),
        problem=problem,
        back=_page_before(scope),
    )


def _page_before(scope: Scope) -> str | None:
    """Return the address of the page of this server that a form was on."""
    if scope["method"] != "POST":
        return None
    headers = Headers(scope=scope)
    before = urlsplit(headers.get("referer", ""))
    if before.netloc != headers.get("host", ""):
        return None
    return f"{before.path}?{before.query}" if before.query else before.path
