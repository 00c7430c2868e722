"""A gateway is looked at as its users see it: its answer, its certificate, its proxy."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.servers.certificates import make_certificate
from tests.servers.processes import free_ports

from voxlake.api.checks.address import CERTIFICATE_DAYS, look_at_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Proxy(BaseHTTPRequestHandler):
    ready, most_bytes = 200, 1 << 30

    def do_GET(self) -> None:
        self._answer(self.ready)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.rfile.read(length)
        self._answer(405 if length <= self.most_bytes else 413)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


@contextmanager
def _proxy(certificate: Path | None, **how: int) -> Iterator[str]:
    """Run what stands before a gateway."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Proxy", (_Proxy,), how))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("days", "state"), [(CERTIFICATE_DAYS + 9, "ok"), (3, "warn")])
def test_a_certificate_that_ends_soon_is_told(tmp_path: Path, days: int, state: str) -> None:
    certificate = make_certificate(tmp_path / "own.pem", days)
    with _proxy(certificate) as url:
        trust = ssl.create_default_context(cafile=certificate)
        told, found, advice = look_at_address(url, trust)
        assert told == state
        assert f"good for {days} days" in found
        assert (advice is None) is (state == "ok")
        assert look_at_address(url)[0] == "fail"  # whom nobody believes


@pytest.mark.parametrize(
    ("how", "state", "told"),
    [
        ({}, "ok", "answers 200"),
        ({"ready": 503}, "fail", "503 at /readyz"),
        ({"most_bytes": 1 << 20}, "warn", "413 to a body of 2 MiB"),
    ],
    ids=["well", "not ready", "small bodies"],
)
def test_what_a_proxy_answers_is_told(how: dict[str, int], state: str, told: str) -> None:
    with _proxy(None, **how) as url:
        found = look_at_address(url)
        assert found[0] == state
        assert told in found[1]


def test_nobody_there_is_told() -> None:
    state, found, _ = look_at_address(f"http://127.0.0.1:{free_ports(1)[0]}")
    assert state == "fail"
    assert "does not answer" in found
