"""Requests end when their client leaves or the deadline passes, with all that works for them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest
from anyio import to_thread
from fastapi import FastAPI, Request
from starlette.responses import Response
from tests.api.asgi import InProcess
from tests.api.conftest import run_app

from voxlake.api.http.answers.problems import on_voxlake_error
from voxlake.api.http.layers.leaving import WhileWanted
from voxlake.api.http.limits.budget import Budget
from voxlake.api.http.limits.questions import AT_ONCE, Questions
from voxlake.platform.deadline import check_deadline
from voxlake.platform.errors import TimedOutError, VoxlakeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send


class Work:
    """What is done for requests, and how it ended."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Semaphore(0), threading.Semaphore(0)
        self.stuck = True

    def __call__(self) -> None:
        """Go on until told to end."""
        self.begun.release()
        try:
            while self.stuck:
                check_deadline()
                time.sleep(0.01)
        finally:
            self.ended.release()


@contextmanager
def serving(seconds: float) -> Iterator[tuple[str, Work]]:
    """Serve routes that work, read and ask."""
    work, questions = Work(), Questions(Budget(1 << 40))
    app = FastAPI()
    app.add_middleware(WhileWanted, seconds=seconds)
    app.add_exception_handler(VoxlakeError, on_voxlake_error)

    @app.get("/read")
    async def read() -> None:
        await to_thread.run_sync(work)

    @app.get("/wait")
    async def wait() -> None:
        work.begun.release()
        try:
            await asyncio.sleep(60)
        finally:
            work.ended.release()

    @app.post("/question")
    async def question(request: Request) -> int:
        size = len(await request.body())
        await questions.ask(work)
        return size

    @app.get("/quick")
    async def quick(request: Request) -> str:
        return (await to_thread.run_sync(lambda: "here")) + (await request.body()).decode()

    with run_app(app) as url:
        yield url, work


@pytest.fixture
def served() -> Iterator[tuple[str, Work]]:
    with serving(60) as served:
        yield served


def ask(url: str, request: str) -> socket.socket:
    """Send a request and leave the answer where it is."""
    host, port = url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)))
    client.sendall(request.encode())
    return client


REQUESTS = {
    "read": "GET /read HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n",
    "wait": "GET /wait HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n",
    "question": (
        "POST /question HTTP/1.1\r\nHost: it\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    ),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_work_ends_when_the_client_leaves(
    kind: str, served: tuple[str, Work], caplog: pytest.LogCaptureFixture
) -> None:
    url, work = served
    with ask(url, REQUESTS[kind]):
        assert work.begun.acquire(timeout=60)
        assert not work.ended.acquire(timeout=0.2)
    assert work.ended.acquire(timeout=60)
    assert httpx2.get(f"{url}/quick").json() == "here"
    assert caplog.records == []


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_deadline_that_passes_is_504(kind: str) -> None:
    with serving(0.3) as (url, work), ask(url, REQUESTS[kind]) as client:
        answer = b"".join(iter(lambda: client.recv(10_000), b"")).decode()
        assert answer.startswith("HTTP/1.1 504")
        assert "ask for less" in answer
        assert work.ended.acquire(timeout=60)


def test_a_body_reaches_the_route(served: tuple[str, Work]) -> None:
    url, work = served
    work.stuck = False
    assert httpx2.post(f"{url}/question", content=b"x" * 300_000).json() == 300_000


def test_many_questions_leave_threads_for_reads(served: tuple[str, Work]) -> None:
    url, work = served
    clients = [ask(url, REQUESTS["question"]) for _ in range(60)]
    for _ in range(AT_ONCE):
        assert work.begun.acquire(timeout=60)
    for _ in range(5):
        assert httpx2.get(f"{url}/quick", timeout=60).json() == "here"
    for client in clients:
        client.close()
    for _ in range(AT_ONCE):
        assert work.ended.acquire(timeout=60)
    work.stuck = False
    assert httpx2.post(f"{url}/question", content=b"x").json() == 1


def test_questions_that_are_left_give_their_memory_back() -> None:
    async def run() -> None:
        budget = Budget(100)
        questions, work = Questions(budget), Work()
        asked = [asyncio.ensure_future(questions.ask(work, 60)) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert (budget.used_bytes, budget.waiting) == (60, 4)
        for one in asked:
            one.cancel()
        await asyncio.wait(asked)
        assert (budget.used_bytes, budget.waiting) == (0, 0)
        work.stuck = False
        with pytest.raises(TimedOutError):
            await questions.ask(_fail, 60)
        assert budget.used_bytes == 0

    asyncio.run(run())


def _fail() -> None:
    raise TimedOutError("it took too long; ask for less")


def test_what_is_answered_at_once_needs_no_task_to_watch_its_client() -> None:
    tasks = list[int]()

    async def count(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)
        tasks.append(len(asyncio.all_tasks()))
        await Response("counted")(scope, receive, send)

    with InProcess(WhileWanted(count, seconds=5)) as app:
        assert app.ask("GET", "/").body == b"counted"
    assert tasks == [1]
