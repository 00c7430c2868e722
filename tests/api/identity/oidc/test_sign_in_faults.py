"""Logins that are turned against who signs in, tampered with, replayed, or late."""

from __future__ import annotations

import logging
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.api.identity.browser import Browser, begin, session_of, stop_before_the_end
from tests.api.identity.gateways import SECRET, Issued

from voxlake.api.identity.oidc import flow
from voxlake.api.identity.oidc.flow import FLOW_SECONDS


def test_the_issuer_is_told_what_it_needs_and_nothing_else(strict: Issued) -> None:
    with Browser() as ada:
        page = begin(ada, strict.url, SECRET)
        asked = parse_qs(urlsplit(page.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [f"{strict.url}/login/callback"]
        kept = page.cookies[f"voxlake-login-{urlsplit(strict.url).port}"]
        assert kept.split(".")[1] not in page.headers["location"]
        assert SECRET not in page.headers["location"]
        other = parse_qs(urlsplit(begin(ada, strict.url).headers["location"]).query)
        for name in ("state", "nonce", "code_challenge"):
            assert len(asked[name][0]) == 43
            assert asked[name] != other[name]


def test_no_other_page_signs_somebody_out(strict: Issued) -> None:
    with Browser() as ada:
        ada.sign_in(strict.url, "ada")
        logout = f"{strict.url}/logout"
        assert ada.ask("POST", logout, "https://evil.example.org").status_code == 403
        assert ada.post(logout).status_code == 403
        assert ada.get(logout).status_code == 405
        assert ada.get(f"{strict.url}{SECRET}").status_code == 200


def test_who_is_not_let_in_is_told_so(strict: Issued) -> None:
    with Browser() as ada:
        page = ada.click(ada.get(f"{strict.url}/login"), "Cancel")
        assert (page.status_code, "let nobody in" in page.json()["detail"]) == (401, True)
        assert ada.get(f"{strict.url}{SECRET}").status_code == 401


def test_a_login_ends_once(strict: Issued) -> None:
    with Browser() as ada:
        page = begin(ada, strict.url)
        kept = page.cookies
        address = stop_before_the_end(ada, page, "ada")
        assert ada.get(address, follow_redirects=False).status_code == 303
        again = ada.get(address)
        assert (again.status_code, "no login was begun" in again.text) == (400, True)
        # With the cookie kept, it is the issuer that gives tokens for a code once.
        with Browser(cookies=kept) as thief:
            answer = thief.get(address)
            assert (answer.status_code, "used before" in answer.text) == (401, True)
            assert "voxlake-session" not in answer.headers.get("set-cookie", "")


def test_nobody_is_signed_in_as_somebody_else_by_a_link(strict: Issued) -> None:
    with Browser() as eve, Browser() as ada:
        trap = stop_before_the_end(eve, begin(eve, strict.url), "root")
        assert ada.get(trap).status_code == 400
        page = begin(ada, strict.url, SECRET)
        answer = ada.get(trap)
        assert (answer.status_code, "another login" in answer.text) == (400, True)
        assert "set-cookie" not in answer.headers
        assert not any("session" in each.name for each in ada.cookies.jar if each.port is None)
        # The login that ada began is still good.
        assert ada.get(stop_before_the_end(ada, page, "ada")).status_code == 200


def test_a_session_of_before_is_not_the_one_after(strict: Issued) -> None:
    name = f"voxlake-session-{urlsplit(strict.url).port}"
    with Browser() as eve, Browser() as ada:
        eve.sign_in(strict.url, "root")
        planted = session_of(eve)
        page = begin(ada, strict.url)
        address = stop_before_the_end(ada, page, "ada")
        ada.cookies.set(name, planted, domain="127.0.0.1", path="/")
        answer = ada.get(address, follow_redirects=False)
        assert answer.cookies[name] != planted
        assert ada.get(f"{strict.url}{SECRET}").status_code == 200
        # It is over, and nobody's who planted it.
        assert eve.get(f"{strict.url}{SECRET}").status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"state": "x" * 43}, 400),
        ({"state": None}, 400),
        ({"iss": "https://evil.example.org"}, 400),
        ({"iss": None}, 400),
        ({"code": "x"}, 401),
        ({"code": None}, 401),
        ({"error": "<script>alert(1)</script>"}, 401),
    ],
)
def test_what_is_tampered_with_on_its_way_signs_nobody_in(
    strict: Issued, change: dict[str, str | None], status: int
) -> None:
    with Browser() as ada:
        address = httpx2.URL(stop_before_the_end(ada, begin(ada, strict.url), "ada"))
        for key, value in change.items():
            left = address.params.remove(key)
            address = address.copy_with(params=left if value is None else left.set(key, value))
        answer = ada.get(address)
        assert answer.status_code == status
        assert "voxlake-session" not in answer.headers.get("set-cookie", "")
        assert "<script>" not in answer.text


@pytest.mark.parametrize("key", ["nonce", "code_challenge"])
def test_a_login_is_bound_to_its_browser_by_the_issuer_too(strict: Issued, key: str) -> None:
    with Browser() as ada:
        page = begin(ada, strict.url)
        asked = httpx2.URL(page.headers["location"]).copy_set_param(key, "x" * 43)
        page.headers["location"] = str(asked)
        answer = ada.get(stop_before_the_end(ada, page, "ada"))
        assert answer.status_code == 401
        assert "voxlake-session" not in answer.headers.get("set-cookie", "")


def test_a_login_does_not_take_forever(strict: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    with Browser() as ada:
        address = stop_before_the_end(ada, begin(ada, strict.url), "ada")
        late = time.time() + FLOW_SECONDS + 1
        monkeypatch.setattr("voxlake.api.identity.oidc.flow.time.time", lambda: late)
        answer = ada.get(address)
        assert (answer.status_code, "too long ago" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "target", ["https://evil.example.org", "//evil.example.org", "/\\evil.example.org", "", " /x"]
)
def test_a_login_leads_nowhere_else(strict: Issued, target: str) -> None:
    with Browser() as ada:
        assert ada.get(f"{strict.url}/login", params={"next": target}).status_code == 400
        # Nor does one whose cookie was changed.
        page = begin(ada, strict.url)
        address = stop_before_the_end(ada, page, "ada")
        [cookie] = [each for each in ada.cookies.jar if "voxlake-login" in each.name]
        begun = flow.Flow.parse(cookie.value or "")
        assert begun is not None
        cookie.value = flow.Flow(begun.secret, target, begun.begun).text()
        answer = ada.get(address, follow_redirects=False)
        assert answer.status_code == 400
        assert "voxlake-session" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("value", ["", "x", "1.2.3", "é", "9" * 13 + "." + "x" * 43 + ".", "a" * 9])
def test_a_cookie_that_is_no_login_is_none(strict: Issued, value: str) -> None:
    cookie = f"voxlake-login-{urlsplit(strict.url).port}={value}".encode()
    answer = httpx2.get(
        f"{strict.url}/login/callback?code=x&state=y", headers=[(b"cookie", cookie)]
    )
    assert answer.status_code == 400


def test_no_secret_is_logged(strict: Issued, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Browser() as ada:
        page = begin(ada, strict.url)
        kept = page.cookies[f"voxlake-login-{urlsplit(strict.url).port}"].split(".")[1]
        address = stop_before_the_end(ada, page, "ada")
        [code] = parse_qs(urlsplit(address).query)["code"]
        ada.get(address)
        ada.get(address)
        secrets = (kept, code, session_of(ada), "eyJ")
    # What the browser of the test logs, and the server that runs it, is not the gateway's.
    own = [each for each in caplog.records if each.name.startswith(("voxlake", "authlib"))]
    texts = [f"{each.getMessage()} {each.exc_info}" for each in own]
    assert not [secret for secret in secrets if any(secret in text for text in texts)]
