"""An S3 server whose requests are counted."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar

from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]  # it ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # it ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # it ships no types
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEPT = {"content-type", "content-md5", "range", "if-match", "if-none-match"}


@dataclass
class Counted:
    """The endpoint of a server that counts, and what it has counted."""

    endpoint: str = ""
    found: Counter[str] = field(default_factory=Counter)
    """By method."""
    lock: Lock = field(default_factory=Lock)


@contextmanager
def counting(endpoint: str) -> Iterator[Counted]:
    """Pass requests on to the S3 server at `endpoint`, and count them by method.

    The host is signed, so what goes on is signed anew.
    """
    counted = Counted()
    handler = type("Handler", (_Count,), {"behind": endpoint, "counted": counted})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        counted.endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield counted
        finally:
            server.shutdown()


class _Count(BaseHTTPRequestHandler):
    behind: ClassVar[str]
    counted: ClassVar[Counted]
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        with self.counted.lock:
            self.counted.found[self.command] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
        signed = AWSRequest(self.command, self.behind + self.path, kept, body)
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(signed)
        request = urllib.request.Request(
            signed.url, body or None, dict(signed.headers), method=self.command
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self._answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                self._answer(error.code, dict(error.headers), error.read())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "date"}:
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        if status not in {204, 304}:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
