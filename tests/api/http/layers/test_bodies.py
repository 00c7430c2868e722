"""Bodies, and heads, that are too long or too slow: cut off before they cost anything."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.api.conftest import TOKEN, Served, run_app

from voxlake.api.app import create_app
from voxlake.api.formats.parsing import ENVELOPE_BYTES
from voxlake.api.http import connection
from voxlake.api.http.layers.bodies import LIMIT_BYTES
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = b"X-More: " + b"x" * 1000 + b"\r\n"
PATH = "/v2/datasets/lab/brain/cells/labels/points"


@pytest.fixture(scope="module")
def address(served: Served) -> Iterator[tuple[str, int]]:
    """A gateway that waits for bodies for a second."""
    chosen = Settings(gateway_body_timeout_s=1)
    app = create_app(chosen, served.lake, served.catalog, served.identity)
    with run_app(app) as url:
        yield ("127.0.0.1", int(url.rpartition(":")[2]))


@pytest.fixture
def patient(served: Served) -> tuple[str, int]:
    """A gateway that waits for bodies as long as by default, for what takes a while to send."""
    return ("127.0.0.1", int(served.url.rpartition(":")[2]))


def head(length: str, method: str = "POST", path: str = PATH) -> bytes:
    """Return the head of a request of the owner whose body is as `length` says."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {TOKEN}"]
    lines += ["Content-Type: application/json", length]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def rest(client: socket.socket) -> bytes:
    """Return all that is answered, until the connection is closed."""
    answer = b""
    while part := client.recv(1 << 16):
        answer += part
    return answer


@pytest.mark.parametrize("path", [PATH, "/nonsense", "/login-links"])
def test_a_body_that_says_it_is_too_long_is_not_waited_for(
    address: tuple[str, int], path: str
) -> None:
    with socket.create_connection(address, timeout=60) as client:
        client.sendall(head(f"Content-Length: {LIMIT_BYTES + 1}", path=path))
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"access-control-allow-origin: *" in answer.lower()
    assert b"urn:voxlake:error:limit-exceeded" in answer


def test_a_body_that_grows_too_long_is_cut_off(patient: tuple[str, int]) -> None:
    part = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    with socket.create_connection(patient, timeout=60) as client:
        client.sendall(head("Transfer-Encoding: chunked"))
        for _ in range(LIMIT_BYTES >> 20):
            client.sendall(part)
        client.sendall(b"1\r\n \r\n")
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_that_is_slow_is_cut_off(address: tuple[str, int]) -> None:
    begun = time.monotonic()
    with socket.create_connection(address, timeout=60) as client:
        client.sendall(head("Content-Length: 100") + b"{")
        sender = threading.Thread(target=drip, args=(client,), daemon=True)
        sender.start()
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()
    assert b"urn:voxlake:error:slow-body" in answer
    assert time.monotonic() - begun < 30
    sender.join(60)


def drip(client: socket.socket) -> None:
    """Send a byte now and then, and nothing as the connection is closed, which would reset it."""
    for _ in range(6):
        time.sleep(0.1)
        client.sendall(b" ")


def test_a_body_of_the_largest_size_is_read(patient: tuple[str, int]) -> None:
    with socket.create_connection(patient, timeout=60) as client:
        client.sendall(head(f"Content-Length: {LIMIT_BYTES}\r\nConnection: close"))
        client.sendall(b" " * (LIMIT_BYTES - 2) + b"{}")
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow"])
def test_a_head_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 1.5)
    with run_connections(served) as address, socket.create_connection(address, 60) as client:
        # One request is answered, and the next begins.
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + sent)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
        if sent:
            assert ended(client)
    with run_connections(served) as address, socket.create_connection(address, 60) as client:
        client.sendall(sent)
        assert ended(client)


def test_a_head_without_an_end_is_cut_off(served: Served) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + HEADER * 20_000
    with (
        run_connections(served) as address,
        socket.create_connection(address, 60) as client,
        pytest.raises(OSError, match=r"reset|Broken pipe"),
    ):
        client.sendall(endless)


@contextmanager
def run_connections(served: Served) -> Iterator[tuple[str, int]]:
    """Serve with the connections of a real gateway, and yield the address."""
    with run_app(served.app, http=connection.Connection) as url:
        yield ("127.0.0.1", int(url.rpartition(":")[2]))


def ended(client: socket.socket) -> bool:
    """Return whether the server ends the connection, waiting for it."""
    try:
        return client.recv(1 << 16) == b""
    except ConnectionResetError:
        return True


CUTOUT = "/v2/datasets/lab/brain/cells/cutout?z=0:1"


def test_voxels_may_be_more_than_other_bodies(address: tuple[str, int]) -> None:
    most = Settings().cutout_limit_bytes + ENVELOPE_BYTES
    for length, status, kind in (
        (most + 1, b"413", b"limit-exceeded"),
        (LIMIT_BYTES + 1, b"415", b"unknown-format"),
    ):
        with socket.create_connection(address, timeout=60) as client:
            client.sendall(head(f"Content-Length: {length}", "PUT", CUTOUT))
            answer = client.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert kind in answer


def test_voxels_that_are_cut_off_or_slow_are_not_written(
    address: tuple[str, int], served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    raw = head("Content-Length: 40000", "PUT", CUTOUT).replace(b"json", b"octet-stream")
    assert served.voxels["lab/brain/cells"][0].nbytes > 30000
    for wait in (False, True):
        with socket.create_connection(address, timeout=60) as client:
            client.sendall(raw + bytes(30000))
            if wait:
                assert rest(client).startswith(b"HTTP/1.1 408")
    with served.client(owner=True) as client:
        found = client.get(f"{CUTOUT}&format=raw").content
    assert found == served.voxels["lab/brain/cells"][:1].tobytes()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
