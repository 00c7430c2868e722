"""Answers on this machine: connections that are kept, bodies that break off, and odd ones."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.client.gateway import Gateway
from voxlake.client.http.connection import Connection
from voxlake.documents.problem import URN, Problem
from voxlake.platform.errors import NotFoundError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "lab/brain/em"
HEADERS = "X-Voxlake-Shape: 2,3\r\nX-Voxlake-Dtype: uint16\r\n"


def answer(body: bytes, length: int | None = None, headers: str = HEADERS) -> bytes:
    """Return an answer that says so long a body."""
    length = len(body) if length is None else length
    return f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n".encode() + body


@contextmanager
def connections(*scripts: Sequence[bytes]) -> Iterator[str]:
    """Yield the URL of a server that gives each connection some answers, and then ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for script in scripts:
                connection, _ = listener.accept()
                with connection:
                    for each in script:
                        came = b"-"
                        while came and not came.endswith(b"\r\n\r\n"):
                            came = connection.recv(1 << 16)
                        connection.sendall(each)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(60)
        assert not thread.is_alive()


def test_a_connection_is_kept_until_it_ends() -> None:
    voxels = np.arange(6, dtype=np.uint16).reshape(2, 3)
    whole = answer(voxels.tobytes())
    with connections([whole, whole], [whole]) as url, Gateway(url, "") as gateway:
        for _ in range(3):
            found = gateway.cutout(NAME, "0:1,0:2,0:3")
            np.testing.assert_array_equal(found, voxels)
            assert found.dtype == np.uint16


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (answer(b"12345678", length=12), StoreUnavailableError),
        (answer(b"12345678"), StoreError),
        (answer(b"1" * 13), StoreError),
        (answer(b"1" * 12, headers=""), StoreError),
        (answer(b"1" * 12, headers=HEADERS.replace("2,3", "2,x")), StoreError),
        (answer(b"", headers=HEADERS.replace("2,3", f"{10**15},3")), StoreError),
        (b"HTTP/1.1 nonsense\r\n\r\n", StoreUnavailableError),
        (b"", StoreUnavailableError),
    ],
)
def test_what_is_no_whole_cutout_is_an_error(sent: bytes, error: type[Exception]) -> None:
    with connections([sent]) as url, Gateway(url, "") as gateway:
        with pytest.raises(error) as raised:
            gateway.cutout(NAME, "0:1,0:2,0:3")
        assert type(raised.value) is error


def test_problems_are_read_though_bodies_come_later() -> None:
    kind, detail = f"{URN}{NotFoundError.kind}", "gone"
    problem = Problem(type=kind, title="gone", status=404, detail=detail, request_id="1")
    sent = answer(problem.model_dump_json().encode(), headers="").replace(
        b"200 OK", b"404 Not Found"
    )
    with connections([sent], [b""]) as url, Gateway(url, "") as gateway:
        with pytest.raises(NotFoundError, match=detail):
            gateway.cutout(NAME, "0:1,0:2,0:3")
        with pytest.raises(StoreUnavailableError):
            gateway.cutout(NAME, "0:1,0:2,0:3")


def test_bodies_are_sent_and_answers_of_any_length_read() -> None:
    body = np.random.default_rng(0).bytes(3_000_001)
    with connections([answer(body, headers="")]) as url:
        connection = Connection(url)
        assert connection.send("/anything", params={"of": "a b"}).content == body
        connection.close()


def test_parts_are_given_as_they_come() -> None:
    part = b"data: 1\n\n"
    sent = answer(part, length=100, headers="")
    with connections([sent, b""]) as url:
        connection = Connection(url)
        with connection._http.stream("GET", f"{url}/events") as response:
            assert next(response.iter_bytes()) == part
        connection.close()


def test_an_answer_to_another_request_is_refused() -> None:
    voxels = np.arange(6, dtype=np.uint16).reshape(1, 2, 3)
    described = "X-Voxlake-Shape: 1,2,3\r\nX-Voxlake-Dtype: uint16\r\nX-Voxlake-Axes: z,y,x\r\n"
    whole = answer(voxels.tobytes(), headers=f"{described}X-Voxlake-Box: 0:1,4:6,0:3\r\n")
    regions = ["0:1,4:6,0:3", "0:1,4:6,:", "0:1,0:2,0:3", "0:1,4:,1:"]
    # What is refused is not read, and its connection is closed.
    with connections([whole] * 3, [whole]) as url, Gateway(url, "") as gateway:
        for region in regions[:2]:
            np.testing.assert_array_equal(gateway.cutout(NAME, region), voxels)
        for region in regions[2:]:
            with pytest.raises(StoreError, match="was asked for"):
                gateway.cutout(NAME, region)


def test_objects_are_no_voxels() -> None:
    objects = answer(bytes(48), headers=HEADERS.replace("uint16", "O"))
    with (
        connections([objects]) as url,
        Gateway(url, "") as gateway,
        pytest.raises(StoreError, match="no cutout"),
    ):
        gateway.cutout(NAME, "0:1,0:2,0:3")
