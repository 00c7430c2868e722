"""Stored bytes are sent by the system itself, whole and in order, whatever the client does."""

from __future__ import annotations

import http.client
import os
import socket
import time
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.conftest import Served, run_app
from tests.api.http.test_stalling import SHARD, Running, lake, running

from voxlake.api.data.stored import objects as stored_objects
from voxlake.api.http.connection import Connection
from voxlake.api.http.file_span import FileSpan
from voxlake.platform import store
from voxlake.platform.errors import StoreError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["lake"]

OBJECT = "lab/brain/em.ome.zarr/0/c/0/0/0"


@pytest.fixture(scope="module")
def server(lake: Path) -> Iterator[Running]:
    """A gateway whose one shard is noise."""
    with running(lake) as server:
        yield server


@pytest.fixture(scope="module")
def body(lake: Path) -> bytes:
    """The shard."""
    return (lake / OBJECT).read_bytes()


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_ranges_of_any_size_come_in_turn_by_one_connection(
    data: st.DataObject, server: Running, body: bytes
) -> None:
    size = len(body)
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    for _ in range(3):
        start = data.draw(st.integers(0, size - 1))
        near = st.sampled_from([1, 1 << 10, stored_objects.SPAN_BYTES, stored_objects.BLOCK, size])
        length = max(data.draw(near) + data.draw(st.integers(-1, 1)), 1)
        asked = {"Range": f"bytes={start}-{start + length - 1}"}
        connection.request("GET", SHARD, headers=asked)
        answer = connection.getresponse()
        assert answer.status == 206
        assert answer.read() == body[start : start + length]
    connection.close()


def test_a_client_that_takes_little_at_a_time_gets_all(server: Running, body: bytes) -> None:
    with server.stall(SHARD) as slow:
        slow.settimeout(60)
        read_head(slow)
        came = b""
        while len(came) < len(body):
            time.sleep(0.001)
            came += read_exactly(slow, min(1 << 17, len(body) - len(came)))
    assert came == body


def test_pipelined_requests_are_answered_in_order(server: Running, body: bytes) -> None:
    spans = [(0, 300_000), (5, 10), (100_000, 900_000)]
    asked = "".join(
        f"GET {SHARD} HTTP/1.1\r\nHost: localhost\r\nRange: bytes={lo}-{hi - 1}\r\n\r\n"
        for lo, hi in spans
    )
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(asked.encode())
        for lo, hi in spans:
            assert b" 206 " in read_head(client)
            assert read_exactly(client, hi - lo) == body[lo:hi]


def read_head(client: socket.socket) -> bytes:
    """Return the head of an answer."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(client, 1)
    return head


def read_exactly(client: socket.socket, size: int) -> bytes:
    """Return so many bytes."""
    came = b""
    while len(came) < size:
        part = client.recv(size - len(came))
        assert part
        came += part
    return came


def test_clients_that_leave_leave_nothing_open(server: Running) -> None:
    process = psutil.Process(server.process.pid)
    before = process.num_fds()
    for _ in range(20):
        with server.stall(SHARD) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    deadline = time.monotonic() + 60
    while process.num_fds() > before:
        assert time.monotonic() < deadline, process.open_files()
        time.sleep(0.05)


def test_a_file_that_is_cut_off_meanwhile_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "object").write_bytes(b"x" * 100)
    reader = store.open_ranges(StoreURL.parse(str(tmp_path)) / "object")
    os.truncate(tmp_path / "object", 50)
    here, there = socket.socketpair()
    with here, there, pytest.raises(StoreError, match="it ends before 100"):
        FileSpan(reader, 50, 100).send(here.fileno(), 50)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_no_copy_is_made_of_what_the_system_has_in_memory(
    loop: str, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, send = list[int](), FileSpan.send

    def noted(span: FileSpan, to: int, start: int) -> int:
        sent.append(send(span, to, start))
        return sent[-1]

    monkeypatch.setattr(stored_objects, "SPAN_BYTES", 1)
    monkeypatch.setattr(FileSpan, "send", noted)
    key = "lab/brain/em/0/c/0/0/0"
    shard = (served.lake / "lab/brain/em.ome.zarr/0/c/0/0/0").path.read_bytes()
    with run_app(served.app, http=Connection, loop=loop) as url:
        answer = httpx2.get(f"{url}/zarr/{key}")
        assert answer.content == shard
        deadline = time.monotonic() + 60
        while sum(sent) < len(shard):  # it is noted a moment after the client has it
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # Others are sent by a copy: of an answer that was made, and of one without a body.
        assert httpx2.get(f"{url}/v2/datasets").json()["datasets"]
        tag = {"If-None-Match": answer.headers["etag"]}
        assert httpx2.get(f"{url}/zarr/{key}", headers=tag).status_code == 304
        assert sum(sent) == len(shard)
        ended = time.monotonic()
    assert time.monotonic() - ended < 15, "a connection whose client had left was never closed"
