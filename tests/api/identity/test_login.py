"""The one-time link, the session it gives, and the owner's token."""

from __future__ import annotations

import stat
import threading
import time
from typing import TYPE_CHECKING

import pytest
from starlette.datastructures import Headers

from voxlake.api.identity.local import (
    LINK_SECONDS,
    OWNER,
    SESSION_SECONDS,
    LocalIdentity,
    owner_token,
)
from voxlake.api.identity.login import check_next
from voxlake.platform.errors import InvalidInputError, UnauthenticatedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Served

SECRET = "/v2/datasets/lab/brain/secret"


def test_a_link_logs_a_browser_in_once(served: Served) -> None:
    once = served.identity.new_link()
    with served.client() as browser, served.client() as thief:
        assert browser.get(SECRET).status_code == 401
        answer = browser.get("/login", params={"once": once, "next": SECRET})
        assert (answer.status_code, answer.headers["location"]) == (303, SECRET)
        cookie = answer.headers["set-cookie"]
        assert once not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert browser.get(SECRET).status_code == 200
        assert thief.get("/login", params={"once": once}).status_code == 401
        assert thief.get(SECRET).status_code == 401
        # A reload of the login page does no harm to who is logged in.
        again = browser.get("/login", params={"once": once, "next": SECRET})
        assert (again.status_code, "set-cookie" in again.headers) == (303, False)


def test_who_has_no_link_is_told_where_to_get_one(served: Served) -> None:
    with served.client() as browser:
        answer = browser.get("/login")
        assert (answer.status_code, "voxlake login-link" in answer.text) == (401, True)
        assert browser.get("/login/callback?code=x&state=y").status_code == 404


def test_who_logs_out_is_out(served: Served) -> None:
    ours = {"Origin": served.url}
    with served.client() as browser, served.client() as other:
        for each in (browser, other):
            each.get("/login", params={"once": served.identity.new_link()})
        stolen = dict(browser.cookies)
        assert browser.post("/logout").status_code == 403
        assert browser.get(SECRET).status_code == 200
        answer = browser.post("/logout", headers=ours)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (browser.get(SECRET).status_code, other.get(SECRET).status_code) == (401, 200)
        with served.client(cookies=stolen) as thief:
            assert thief.get(SECRET).status_code == 401


def test_of_many_racing_for_a_link_one_gets_in(served: Served) -> None:
    once, statuses = served.identity.new_link(), []

    def race() -> None:
        with served.client() as client:
            statuses.append(client.get("/login", params={"once": once}).status_code)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303] + [401] * 7


@pytest.mark.parametrize("cookie", ["", "x", "a" * 500, '"', "é"])
def test_a_cookie_that_is_no_session_is_nobodys(served: Served, cookie: str) -> None:
    with served.client() as client:
        sent = f"{served.identity.cookie}={cookie}".encode()
        headers = [(b"cookie", sent)]
        assert client.get("/v2/datasets/lab/brain/em", headers=headers).status_code == 200
        assert client.get(SECRET, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.org",
        "//evil.example.org",
        "///evil.example.org",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "/\t/evil.example.org",
        "\t//evil.example.org",
        "/\n/evil.example.org",
        "javascript:alert(1)",
        "evil.example.org",
        "",
        " /x",
    ],
)
def test_a_link_leads_nowhere_else(served: Served, target: str) -> None:
    with pytest.raises(InvalidInputError):
        check_next(target)
    once = served.identity.new_link()
    with served.client() as client:
        answer = client.get("/login", params={"once": once, "next": target})
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers
        # The refusal has not used the link up.
        assert client.get("/login", params={"once": once}).status_code == 303


def test_links_and_sessions_end(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, moment = LocalIdentity("t" * 40), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    late = identity.new_link()
    session = identity.redeem(identity.new_link())
    headers = Headers({"cookie": f"{identity.cookie}={session}"})
    assert identity.of_session(headers) == OWNER
    moment[0] += LINK_SECONDS + 1
    with pytest.raises(UnauthenticatedError):
        identity.redeem(late)
    assert identity.of_session(headers) == OWNER
    moment[0] += SESSION_SECONDS
    assert identity.of_session(headers) is None


def test_secrets_are_not_shown_or_kept() -> None:
    identity = LocalIdentity("voxlake_hidden")
    once = identity.new_link()
    session = identity.redeem(once)
    for secret in ("voxlake_hidden", once, session):
        assert secret not in repr(identity)


def test_the_token_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    token = owner_token(folder)
    file = folder / "owner-token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(token) > 40
    assert owner_token(folder) == token
    assert [each.name for each in folder.iterdir()] == ["owner-token"]
    file.chmod(0o644)
    assert owner_token(folder) != token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_servers_that_start_together_share_a_token(tmp_path: Path) -> None:
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda: tokens.append(owner_token(tmp_path))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 16
    assert len(set(tokens)) == 1
