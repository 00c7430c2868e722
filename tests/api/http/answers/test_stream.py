"""Answers made as they are sent: whole, refused, cut off or given up, and never held on to."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI
from tests.api.conftest import run_app

from voxlake.api.http.answers.problems import on_voxlake_error
from voxlake.api.http.answers.stream import StreamResponse
from voxlake.api.http.layers.leaving import WhileWanted
from voxlake.api.http.limits.budget import Budget
from voxlake.platform.errors import LimitExceededError, VoxlakeError

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = b"x" * (1 << 20)


class Parts:
    """Makes parts, and knows how it ended."""

    def __init__(self, count: int, fails: bool = False, seconds: float = 0) -> None:
        self.count, self.fails, self.seconds = count, fails, seconds
        self.made, self.ended = 0, threading.Event()

    def __call__(self) -> Iterator[bytes]:
        """Yield the parts."""
        try:
            while self.made < self.count:
                self.made += 1
                time.sleep(self.seconds)
                yield PART
            if self.fails:
                raise LimitExceededError("there is more than a limit allows; ask for less")
        finally:
            self.ended.set()


@pytest.fixture
def served() -> Iterator[tuple[str, Budget, dict[str, Parts]]]:
    budget, known = Budget(100), dict[str, Parts]()
    app = FastAPI()
    app.add_middleware(WhileWanted, seconds=60)

    @app.get("/{name}")
    async def answer(name: str) -> StreamResponse:
        return StreamResponse(known[name](), {"Content-Type": "text/plain"}, budget, 60)

    app.add_exception_handler(VoxlakeError, on_voxlake_error)
    with run_app(app) as url:
        yield url, budget, known


def released(budget: Budget) -> bool:
    """Wait until nothing is held: a client may have all before the server is done."""
    deadline = time.monotonic() + 60
    while budget.used_bytes:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return True


def test_all_parts_arrive(served: tuple[str, Budget, dict[str, Parts]]) -> None:
    url, budget, known = served
    known["whole"], known["empty"] = Parts(5), Parts(0)
    answer = httpx2.get(f"{url}/whole")
    assert (answer.status_code, answer.content) == (200, 5 * PART)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
        "text/plain",
        "no-cache",
    )
    assert httpx2.get(f"{url}/empty").content == b""
    assert released(budget)


def test_a_failure_before_the_first_part_is_a_problem(
    served: tuple[str, Budget, dict[str, Parts]],
) -> None:
    url, budget, known = served
    known["early"] = Parts(0, fails=True)
    answer = httpx2.get(f"{url}/early")
    assert (answer.status_code, answer.json()["title"]) == (413, "Limit exceeded")
    assert released(budget)


def test_a_failure_later_cuts_the_answer_off(
    served: tuple[str, Budget, dict[str, Parts]],
) -> None:
    url, budget, known = served
    known["late"] = Parts(2, fails=True)
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{url}/late")
    assert known["late"].ended.wait(60)
    assert released(budget)


def test_a_client_that_goes_away_ends_the_making(
    served: tuple[str, Budget, dict[str, Parts]],
) -> None:
    url, budget, known = served
    known["long"] = Parts(1 << 20)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /long HTTP/1.1\r\nHost: it\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        # The next part is made only when the client takes what was sent.
        time.sleep(0.3)
        assert 0 < known["long"].made < 50
    assert known["long"].ended.wait(60)
    assert released(budget)


def test_a_client_that_goes_away_while_a_part_is_made(
    served: tuple[str, Budget, dict[str, Parts]], caplog: pytest.LogCaptureFixture
) -> None:
    url, budget, known = served
    known["slow"] = Parts(3, seconds=0.5)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: it\r\n\r\n")
        deadline = time.monotonic() + 60
        while not known["slow"].made:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert budget.used_bytes == 60
    assert known["slow"].ended.wait(60)
    assert released(budget)
    assert known["slow"].made == 1
    assert caplog.records == []
