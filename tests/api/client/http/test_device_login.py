"""An issuer that is slow, refuses, forgets, or is none, as a terminal sees it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from voxlake.client.http import device_login
from voxlake.client.http.device_login import GRANT, DeviceCode, find_device_login
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidInputError,
    StoreError,
    StoreUnavailableError,
    TimedOutError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PENDING = {"error": "authorization_pending"}
SLOWER = {"error": "slow_down"}
TOKEN = {"access_token": "at", "token_type": "Bearer"}
CODE = {
    "device_code": "dc",
    "user_code": "AB-CD",
    "verification_uri": "https://id.example.org/device",
    "expires_in": 600,
    "interval": 5,
}


class Issuer:
    """An issuer that answers what a test says."""

    def __init__(self) -> None:
        self.url = ""
        self.about: dict[str, Any] = {}
        self.code: tuple[int, object] = (200, CODE)
        self.answers: list[object] = []
        self.asked: list[dict[str, list[str]]] = []


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    state = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, state.about)

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            state.asked.append(parse_qs(form))
            if self.path == "/codes":
                self.answer(*state.code)
                return
            found = state.answers.pop(0)
            self.answer(200 if found is TOKEN else 400, found)

        def answer(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    state.about = {
        "issuer": state.url,
        "token_endpoint": f"{state.url}/tokens",
        "device_authorization_endpoint": f"{state.url}/codes",
    }
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(device_login.time, "sleep", waited.append)  # type: ignore[attr-defined]  # the module's own
    monkeypatch.setattr(device_login.time, "monotonic", lambda: sum(waited))  # type: ignore[attr-defined]  # likewise
    return waited


def test_it_asks_at_the_pace_that_the_issuer_wants(issuer: Issuer, slept: list[float]) -> None:
    issuer.answers = [PENDING, SLOWER, PENDING, SLOWER, TOKEN]
    login = find_device_login(issuer.url, "program")
    assert login.wait(login.begin("openid")) == "at"
    assert slept == [5, 5, 10, 10, 15]
    assert issuer.asked[0] == {"client_id": ["program"], "scope": ["openid"]}
    expected = {"grant_type": [GRANT], "device_code": ["dc"], "client_id": ["program"]}
    assert issuer.asked[1:] == [expected] * 5


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([PENDING, {"error": "access_denied"}], ForbiddenError),
        ([{"error": "expired_token"}], TimedOutError),
        ([{"error": "invalid_client"}], ForbiddenError),
        ([[]], StoreError),
        ([PENDING] * 200, TimedOutError),
    ],
)
def test_it_ends_when_nobody_is_let_in(
    issuer: Issuer, slept: list[float], answers: list[object], error: type[Exception]
) -> None:
    issuer.answers = answers
    login = find_device_login(issuer.url, "program")
    with pytest.raises(error):
        login.wait(login.begin("openid"))
    assert sum(slept) <= 600


def test_it_asks_more_seldom_while_no_answer_comes(slept: list[float]) -> None:
    nowhere = device_login.DeviceLogin("http://127.0.0.1:9", "p", "", "http://127.0.0.1:9/tokens")
    with pytest.raises(TimedOutError):
        nowhere.wait(DeviceCode.model_validate(CODE))
    assert slept == [5 * 2**n for n in range(len(slept))]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"device_authorization_endpoint": None}, UnsupportedError),
        ({"issuer": "https://evil.example.org"}, StoreError),
        ({"token_endpoint": None}, StoreError),
        ({"device_authorization_endpoint": "http://evil.example.org/codes"}, InvalidInputError),
    ],
)
def test_an_issuer_that_does_not_do_is_named(
    issuer: Issuer, change: dict[str, Any], error: type[Exception]
) -> None:
    issuer.about |= change
    with pytest.raises(error, match=r"issuer|not encrypted"):
        find_device_login(issuer.url, "program").begin("openid")


def test_a_client_that_gets_no_code_is_told_what_to_do(issuer: Issuer) -> None:
    issuer.code = (400, {"error": "unauthorized_client"})
    with pytest.raises(UnsupportedError, match="--token"):
        find_device_login(issuer.url, "program").begin("openid")


def test_an_issuer_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        find_device_login("http://127.0.0.1:9", "program")


def test_codes_are_not_shown() -> None:
    code = DeviceCode.model_validate(CODE | {"device_code": "hidden"})
    assert "hidden" not in repr(code)
