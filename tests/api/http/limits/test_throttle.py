"""Nobody gets so much that others get nothing: requests, bytes, memory, and wrong tokens."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.http.test_every_answer import check_headers

from voxlake.api.app import create_app
from voxlake.api.http.limits import windows
from voxlake.api.http.limits.account import address_of
from voxlake.api.http.limits.allowance import Allowance
from voxlake.api.http.limits.throttle import CHARGED_BYTES
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = "/zarr/lab/brain/em/0/c/0/0/0"
CUTOUT = "/v2/datasets/lab/brain/em/cutout"
OWNER = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def throttling(served: Served, **settings: Any) -> Iterator[tuple[str, Any]]:
    """Run a gateway that trusts who says to be a proxy; yield its URL and the application."""
    chosen = Settings(trusted_proxies=["127.0.0.1"], **settings)
    app = create_app(chosen, served.lake, served.catalog, served.identity)
    with run_app(app) as url:
        yield url, app


@pytest.fixture(scope="module")
def tokens(served: Served) -> dict[str, dict[str, str]]:
    """Two users, by the headers that they send."""
    people = {}
    for name in ("throttled-ana", "throttled-bob"):
        served.catalog.people.add_user(name)
        _, secret = served.catalog.tokens.make(name, "test")
        people[name.removeprefix("throttled-")] = {"Authorization": f"Bearer {secret}"}
    return people


@pytest.fixture(autouse=True)
def _in_a_fresh_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with a window: across the end of one, more is let through."""
    began, clock = time.time(), time.time
    fresh = SimpleNamespace(time=lambda: 6e8 + clock() - began)
    monkeypatch.setattr(windows, "time", fresh)


def check_throttled(answer: httpx2.Response, unit: str) -> None:
    """Check that an answer is a whole 429."""
    assert answer.status_code == 429
    assert answer.json()["type"] == "urn:voxlake:error:throttled"
    assert answer.headers["cache-control"] == "no-store"
    assert 1 <= int(answer.headers["retry-after"]) <= 120
    assert answer.headers["ratelimit"].startswith(f'"{unit}";r=0;t=')
    assert answer.headers["ratelimit-policy"].startswith(f'"{unit}";q=')
    check_headers(answer)


def test_each_gets_so_many_requests(served: Served, tokens: dict[str, dict[str, str]]) -> None:
    with throttling(served, requests_per_minute=5) as (url, _):
        for who in (tokens["ana"], tokens["bob"], {}):
            statuses = [httpx2.get(f"{url}{CHUNK}", headers=who).status_code for _ in range(7)]
            assert statuses == [200] * 5 + [429] * 2
        check_throttled(httpx2.get(f"{url}/v2/datasets", headers=tokens["ana"]), "requests")
        assert "user throttled-ana had 5" in httpx2.get(url, headers=tokens["ana"]).text
        # Others who are nobody in particular are at other addresses.
        elsewhere = {"X-Forwarded-For": "203.0.113.9"}
        assert httpx2.get(f"{url}{CHUNK}", headers=elsewhere).status_code == 200
        # Neither the owner of a local server nor who looks whether it lives has a limit.
        for _ in range(9):
            assert httpx2.get(f"{url}{CHUNK}", headers=OWNER).status_code == 200
            assert httpx2.get(f"{url}/healthz").status_code == 200


def test_each_gets_so_many_bytes(served: Served, tokens: dict[str, dict[str, str]]) -> None:
    with throttling(served, bytes_per_minute=300_000) as (url, _):
        sizes = []
        while (answer := httpx2.get(f"{url}{CUTOUT}", headers=tokens["ana"])).status_code == 200:
            sizes.append(len(answer.content))
        # What was begun is sent to its end, and counts.
        assert sum(sizes[:-1]) < 300_000 <= sum(sizes)
        check_throttled(answer, "bytes")
        assert httpx2.get(f"{url}{CUTOUT}", headers=tokens["bob"]).status_code == 200
        assert httpx2.head(f"{url}{CHUNK}", headers=tokens["ana"]).status_code == 429


VAST = "/v2/datasets/lab/brain/vast/cutout?z=0:159&y=0:159&x=0:159"
"""4 MB: more than the buffers of a connection hold, if the client wants few."""


@contextmanager
def stalled(url: str, headers: dict[str, str]) -> Iterator[socket.socket]:
    """Ask for a large cutout, and read no more than its first bytes."""
    host, port = url.removeprefix("http://").split(":")
    lines = [f"GET {VAST} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        client.settimeout(60)
        client.connect((host, int(port)))
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield client


def test_what_is_cut_off_counts_as_far_as_it_was_sent(served: Served) -> None:
    with throttling(served, bytes_per_minute=1 << 40) as (url, app):
        httpx2.get(f"{url}/healthz")
        charged: list[int] = []
        throttle_of(app).bytes.charge = lambda _, amount: charged.append(amount)
        with stalled(url, {}) as client:
            assert client.recv(12) == b"HTTP/1.1 200"
            time.sleep(0.2)
        deadline = time.monotonic() + 60
        while not (charged and charged[-1] < CHARGED_BYTES):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert 0 < sum(charged) < 159**3
        assert len(httpx2.get(f"{url}{VAST}").content) == 159**3
        assert sum(charged) > 159**3


def throttle_of(app: Any) -> Any:
    """Return the layer of a running application."""
    layer = app.middleware_stack
    while type(layer).__name__ != "Throttle":
        layer = layer.app
    return layer


def test_only_so_many_are_answered_at_once(
    served: Served, tokens: dict[str, dict[str, str]]
) -> None:
    with throttling(served, requests_at_once=1) as (url, _):
        with stalled(url, tokens["ana"]) as client:
            assert client.recv(12) == b"HTTP/1.1 200"
            refused = httpx2.get(f"{url}{CHUNK}", headers=tokens["ana"])
            assert (refused.status_code, refused.headers.get("retry-after")) == (429, "1")
            assert httpx2.get(f"{url}{CHUNK}", headers=tokens["bob"]).status_code == 200
        deadline = time.monotonic() + 60
        while httpx2.get(f"{url}{CHUNK}", headers=tokens["ana"]).status_code != 200:
            assert time.monotonic() < deadline


def test_wrong_tokens_are_looked_at_so_many_times(
    served: Served, tokens: dict[str, dict[str, str]]
) -> None:
    with throttling(served, failed_logins_per_minute=3) as (url, _):
        assert httpx2.get(f"{url}/v2/datasets", headers=tokens["ana"]).status_code == 200
        statuses = [
            httpx2.get(
                f"{url}/v2/datasets", headers={"Authorization": f"Bearer wrong{i}"}
            ).status_code
            for i in range(5)
        ]
        assert statuses == [401] * 3 + [429] * 2
        check_throttled(httpx2.get(f"{url}/login?once=x"), "failed-logins")
        # Of the same address: nobody in particular, and who showed before that they are good.
        assert httpx2.get(f"{url}/v2/datasets").status_code == 200
        assert httpx2.get(f"{url}/v2/datasets", headers=tokens["ana"]).status_code == 200
        assert httpx2.get(f"{url}/v2/datasets", headers=tokens["bob"]).status_code == 429
        elsewhere = {"X-Forwarded-For": "203.0.113.9", **tokens["bob"]}
        assert httpx2.get(f"{url}/v2/datasets", headers=elsewhere).status_code == 200


def test_wrong_login_links_are_looked_at_so_many_times(served: Served) -> None:
    with throttling(served, failed_logins_per_minute=3) as (url, _):
        statuses = [httpx2.get(f"{url}/login?once=x{i}").status_code for i in range(5)]
        assert statuses == [401] * 3 + [429] * 2


def test_what_a_viewer_asks_at_once_fits_the_default(served: Served) -> None:
    """Chunks as fast as they come, by one address."""
    with throttling(served) as (url, _), httpx2.Client(base_url=url) as viewer:
        statuses = {
            viewer.get(CHUNK, headers={"Range": "bytes=0-9"}).status_code for _ in range(600)
        }
    assert statuses == {206}
    assert Settings().requests_per_minute >= 60 * 500


def test_one_user_does_not_hold_all_memory_for_answers(
    served: Served, tokens: dict[str, dict[str, str]]
) -> None:
    """Ana asks for 40 large cutouts and takes none of them; Bob asks for one."""
    chosen = {"gateway_memory_bytes": 64 << 20, "cutout_limit_bytes": 4 << 20}
    with throttling(served, **chosen) as (url, app), ExitStack() as clients:
        answers = app.state.gateway.answers
        for _ in range(40):
            clients.enter_context(stalled(url, tokens["ana"]))
        deadline = time.monotonic() + 60
        while not answers.waiting:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(httpx2.get(f"{url}{VAST}", headers=tokens["bob"]).content) == 159**3
        assert answers.waiting
        assert answers.used_bytes <= answers.limit_bytes * 3 // 4


@given(
    amount=st.integers(1, 1000),
    spent=st.lists(st.tuples(st.floats(0, 90), st.integers(0, 3000)), max_size=6),
)
def test_who_waits_as_long_as_they_are_told_gets_more(
    amount: int, spent: list[tuple[float, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        moment = [1_000_000.0]
        patch.setattr(windows, "time", time)
        patch.setattr(time, "time", lambda: moment[0])
        allowance = Allowance("requests", amount)
        for pause, cost in spent:
            moment[0] += pause
            allowance.charge("ana", cost)
        if not allowance.is_left("ana"):
            moment[0] += allowance.seconds_until_left("ana") + 0.001
            assert allowance.is_left("ana")
            assert allowance.take("ana")
        assert allowance.is_left("bob")


def test_an_address_of_ipv6_counts_with_its_network() -> None:
    def of(host: str) -> str:
        return address_of({"client": (host, 1)})

    assert of("2001:db8::1") == of("2001:db8::ffff:1") != of("2001:db8:0:1::1")
    assert of("::ffff:10.0.0.1") == of("10.0.0.1") != of("10.0.0.2")
    assert address_of({"client": None}) == "address "
