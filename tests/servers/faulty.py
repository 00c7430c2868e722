"""Servers that are wrong in one way each."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]  # it ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # it ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # it ships no types
from tests.servers.processes import free_ports
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator


def closed_port() -> str:
    """Return an endpoint where nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept every connection and never answer; yield the endpoint."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def ignoring_conditions(endpoint: str) -> Iterator[str]:
    """Pass requests on to the S3 server at `endpoint`, without their conditions and ranges.

    Some servers do just that: they answer 200 to what they have not understood. Conditions are
    signed, so what goes on is signed anew.
    """
    with _served(type("Handler", (_Forward,), {"endpoint": endpoint})) as address:
        yield address


@contextmanager
def losing_answers(endpoint: str, says: int | None = None) -> Iterator[str]:
    """Pass requests on to the S3 server at `endpoint`, and lose the first answer to each PUT.

    What is put is stored. The client hears nothing, as the connection is closed, or a status that
    `says` that something else is wrong.
    """
    fault: dict[str, object] = {"endpoint": endpoint, "says": says, "lost": set()}
    with _served(type("Handler", (_Losing,), fault)) as address:
        yield address


@contextmanager
def hiding_what_is_missing(endpoint: str) -> Iterator[str]:
    """Pass requests on to the S3 server at `endpoint`, and answer 403 for what is not there.

    S3 does so to those who may not list the bucket.
    """
    with _served(type("Handler", (_Hiding,), {"endpoint": endpoint})) as address:
        yield address


@dataclass
class Truncation:
    """What a store does to the answers to GET; they seem whole."""

    endpoint: str = ""
    key: str = ""
    """Ending of the keys of objects that are cut off."""
    left: list[int] = field(default_factory=list)
    """Bytes that are left of each answer to come that is still to be cut off."""


@contextmanager
def truncating(endpoint: str) -> Iterator[Truncation]:
    """Pass requests on to the S3 server at `endpoint`, and cut off what the test says."""
    how = Truncation()
    with _served(type("Handler", (_Truncating,), {"endpoint": endpoint, "how": how})) as address:
        how.endpoint = address
        yield how


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


_KEPT = {"content-type", "content-md5"}


class _Forward(BaseHTTPRequestHandler):
    endpoint: ClassVar[str]
    kept: ClassVar = _KEPT
    protocol_version = "HTTP/1.1"
    body = b""

    def _forward(self) -> None:
        body = self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {k: v for k, v in self.headers.items() if k.lower() in self.kept}
        signed = AWSRequest(self.command, self.endpoint + self.path, kept, body)
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(signed)
        request = urllib.request.Request(
            signed.url, body or None, dict(signed.headers), method=self.command
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                self._answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                self._answer(error.code, dict(error.headers), error.read())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        if status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _forward  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Hiding(_Forward):
    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        if status == 404:
            status, headers, body = 403, {"Content-Length": "0"}, denied
        super()._answer(status, headers, body)


class _Truncating(_Forward):
    how: ClassVar[Truncation]
    kept = _KEPT | {"if-match", "if-none-match", "range"}

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        path = self.path.partition("?")[0]
        if self.command == "GET" and body and path.endswith(self.how.key) and self.how.left:
            body = body[: self.how.left.pop(0)]
        super()._answer(status, headers, body)


class _Losing(_Forward):
    says: ClassVar[int | None]
    lost: ClassVar[set[tuple[str, bytes]]]
    kept = _KEPT | {"if-match", "if-none-match", "range"}

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if self.command != "PUT" or (self.path, self.body) in self.lost:
            super()._answer(status, headers, body)
            return
        self.lost.add((self.path, self.body))
        self.close_connection = True
        if self.says is not None:
            super()._answer(self.says, {}, b"")
