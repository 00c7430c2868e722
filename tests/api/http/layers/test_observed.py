"""Every request has an id and one line in the log, which says how it ended and nothing secret."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from anyio import to_thread
from fastapi import Depends
from starlette.responses import StreamingResponse
from structlog.contextvars import get_contextvars
from tests.api.conftest import Served, run_app

from voxlake.api.app import create_app
from voxlake.api.guards.datasets import public
from voxlake.platform.errors import TimedOutError
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LOGGER = "voxlake.api.http.layers.observed"
DATASET = "/v2/datasets/{collection}/{experiment}/{dataset}"
OBJECT = "/zarr/{collection}/{experiment}/{dataset}/{key}"


def told(caplog: pytest.LogCaptureFixture, request_id: str) -> dict[str, Any]:
    """Return the facts of the one line about a request; it comes after the answer."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = [vars(one) for one in caplog.records if one.name == LOGGER]
        of_request = [one for one in lines if one["request_id"] == request_id]
        if of_request:
            (line,) = of_request
            return line
        time.sleep(0.01)
    pytest.fail("nothing was logged")


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v2/datasets/lab/brain/em", DATASET, 200),
        ("HEAD", "/v2/datasets/lab/brain/em", DATASET, 200),
        ("GET", "/v2/datasets/lab/brain/absent", DATASET, 404),
        ("PUT", "/v2/datasets/lab/brain/em", DATASET, 405),
        ("GET", "/v2/datasets?collection=lab", "/v2/datasets", 200),
        ("GET", "/zarr/lab/brain/em/0/c/0/0/0", OBJECT, 200),
        ("HEAD", "/zarr/lab/brain/em/zarr.json", OBJECT, 200),
        ("GET", "/login?once=a-secret", "/login", 303),
        ("GET", "/neuroglancer/index.html", "/neuroglancer/{path}", None),
        ("GET", "/nonsense/a-secret", None, 404),
        ("OPTIONS", "/v2/datasets/lab/brain/em", None, 204),
    ],
)
def test_a_request_is_one_line(
    owner: httpx2.Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    route: str | None,
    status: int | None,
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    answer = owner.request(method, path, follow_redirects=False)
    line = told(caplog, answer.headers["x-request-id"])
    assert answer.status_code == (status or answer.status_code)
    assert (line["method"], line["route"], line["status"]) == (method, route, answer.status_code)
    assert line["bytes"] == len(answer.content)
    assert 0 < line["seconds"] < 30
    assert line["cut_off"] is None
    assert "a-secret" not in repr(line)


def test_the_line_says_who_asked(
    owner: httpx2.Client, anonymous: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)

    def principal(client: httpx2.Client, path: str, **headers: str) -> str | None:
        answer = client.get(path, headers=headers)
        found = told(caplog, answer.headers["x-request-id"])["principal"]
        assert found is None or isinstance(found, str)
        return found

    assert principal(owner, "/v2/datasets") == "owner"
    assert principal(anonymous, "/v2/datasets") == "anonymous"
    assert principal(anonymous, "/v2/datasets", authorization="Bearer wrong") is None
    assert principal(owner, "/healthz") is None  # nobody wanted to know


@pytest.fixture(scope="module")
def endings(served: Served) -> Iterator[str]:
    """A gateway with answers that do not come to their end."""
    settings = served.app.state.gateway.settings
    app = create_app(settings, served.lake, served.catalog, served.identity)

    async def parts(error: Exception | None) -> AsyncIterator[bytes]:
        yield b"begun"
        if error:
            raise error
        while True:
            await asyncio.sleep(0.01)
            yield b"more"

    errors = {"failure": ValueError("broken"), "deadline": TimedOutError("late"), "client": None}

    @app.get("/ends/{how}", dependencies=[Depends(public)])
    async def end(how: str) -> StreamingResponse:
        return StreamingResponse(parts(errors[how]))

    @app.get("/ids", dependencies=[Depends(public)])
    async def ids() -> list[str]:
        here = get_contextvars()["request_id"]
        in_thread = await to_thread.run_sync(lambda: get_contextvars()["request_id"])
        return [str(here), str(in_thread)]

    with run_app(app) as url:
        yield url


@pytest.mark.parametrize("how", ["client", "failure", "deadline"])
def test_an_answer_that_is_cut_off_says_why(
    endings: str, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    host, port = endings.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(f"GET /ends/{how} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = b""
        while b"begun" not in head:
            head += client.recv(4096)
        while how != "client" and client.recv(4096):
            pass
    request_id = head.lower().split(b"x-request-id: ")[1].split(b"\r\n")[0].decode()
    line = told(caplog, request_id)
    assert (line["route"], line["status"], line["cut_off"]) == ("/ends/{how}", 200, how)
    assert line["bytes"] >= len(b"begun")


def test_all_that_is_logged_for_a_request_carries_its_id(endings: str) -> None:
    answers = [httpx2.get(f"{endings}/ids") for _ in range(3)]
    for answer in answers:
        assert answer.json() == [answer.headers["x-request-id"]] * 2
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


GOOD_IDS = ["a", "0Af.x_-9", "x" * 64]
BAD_IDS = ["", "x" * 65, "a b", "a;b", 'a"b', "a/b", "\xe9", "a,b"]


@pytest.fixture(scope="module")
def behind_proxy(served: Served) -> Iterator[str]:
    """A gateway that trusts this machine as a proxy."""
    settings = Settings(trusted_proxies="127.0.0.1")
    with run_app(create_app(settings, served.lake, served.catalog, served.identity)) as url:
        yield url


@pytest.mark.parametrize("given", GOOD_IDS)
def test_a_trusted_proxy_may_give_the_id(
    behind_proxy: str, caplog: pytest.LogCaptureFixture, given: str
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    headers = {"X-Request-Id": given, "X-Forwarded-For": "198.51.100.7"}
    answer = httpx2.get(f"{behind_proxy}/nonsense", headers=headers)
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given
    assert told(caplog, given)["client"] == "198.51.100.7"


@pytest.mark.parametrize("given", BAD_IDS)
def test_ids_of_another_form_are_replaced(behind_proxy: str, given: str) -> None:
    headers = {b"X-Request-Id": given.encode("latin-1")}
    answer = httpx2.get(f"{behind_proxy}/nonsense", headers=headers)
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


def test_nobody_else_gives_the_id(
    anonymous: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    headers = {"X-Request-Id": "mine", "X-Forwarded-For": "198.51.100.7"}
    found = anonymous.get("/nonsense", headers=headers).headers["x-request-id"]
    assert found != "mine"
    assert told(caplog, found)["client"] == "127.0.0.1"
