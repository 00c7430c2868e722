"""People sign in at real issuers through the pages that a browser sees, and sign out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import update
from tests.api.identity.browser import Browser, begin, session_of, stop_before_the_end
from tests.api.identity.gateways import SECRET, Issued, run_gateway
from tests.servers.oidc_provider.provider import register_client

from voxlake.api.identity.oidc.flow import FLOW_SECONDS
from voxlake.platform.catalog.identity.sessions import IDLE, LONGEST
from voxlake.platform.catalog.tables import sessions
from voxlake.platform.database import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL

WITHIN_S = 5.0
"""How soon what is taken back is gone."""


def until(ended: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not ended():
        assert time.monotonic() < deadline, "it is not over in time"
        time.sleep(0.05)


def test_who_signs_in_has_what_their_groups_have(lab: Issued) -> None:
    with Browser() as ada, Browser() as bob:
        assert ada.get(f"{lab.url}{SECRET}").status_code == 401
        page = ada.sign_in(lab.url, "ada", SECRET)
        assert (page.status_code, str(page.url)) == (200, f"{lab.url}{SECRET}")
        assert bob.sign_in(lab.url, "bob", SECRET).status_code == 404
        listed = bob.get(f"{lab.url}/v2/datasets").json()["datasets"]
        assert [each["name"] for each in listed] == ["lab/brain/em"]
        with Browser() as again:
            again.sign_in(lab.url, "bob")
    assert {"ada", "bob"} <= {user.name for user in lab.catalog.people.list_users()}
    assert not any(user.name == "bob-2" for user in lab.catalog.people.list_users())


def test_the_first_page_signs_in_and_out(lab: Issued) -> None:
    with Browser() as bob:
        page = bob.get(lab.url)
        assert str(bob.click(page, "sign in").url).startswith(lab.bearer.issuer.url)
        page = bob.sign_in(lab.url, "bob")
        assert "signed in as bob" in page.text
        bob.send_form(page)
        assert "sign in" in bob.get(lab.url).text


def test_a_group_of_the_issuer_makes_administrators(lab: Issued) -> None:
    with Browser() as root:
        assert root.sign_in(lab.url, "root", SECRET).status_code == 200
    assert not lab.catalog.people.get_user("root").is_administrator


def test_who_is_signed_in_is_not_asked_again(lab: Issued) -> None:
    with Browser() as ada:
        ada.sign_in(lab.url, "ada")
        before = session_of(ada)
        assert begin(ada, lab.url, SECRET).headers["location"] == SECRET
        assert session_of(ada) == before


def test_cookies_are_read_by_no_script_and_sent_by_no_other_site(lab: Issued) -> None:
    with Browser() as ada:
        page = begin(ada, lab.url)
        port = urlsplit(lab.url).port
        begun = page.headers["set-cookie"]
        assert begun.startswith(f"voxlake-login-{port}=")
        assert f"Max-Age={FLOW_SECONDS}" in begun
        back = ada.get(stop_before_the_end(ada, page, "ada"), follow_redirects=False)
        [signed_in, dropped] = back.headers.get_list("set-cookie")
        assert signed_in.startswith(f"voxlake-session-{port}=")
        assert dropped.startswith(f'voxlake-login-{port}=""')
        assert "Max-Age=0" in dropped
        for cookie in (begun, signed_in, dropped):
            assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert f"Max-Age={int(LONGEST.total_seconds())}" in signed_in
        assert back.headers["cache-control"] == "no-store"


def test_who_signs_out_is_out_here_and_at_the_issuer(lab: Issued) -> None:
    with Browser() as ada, Browser() as other:
        for browser in (ada, other):
            assert browser.sign_in(lab.url, "ada", SECRET).status_code == 200
        stolen = session_of(ada)
        page = ada.ask("POST", f"{lab.url}/logout", lab.url)
        assert page.history[0].headers["location"].startswith(lab.bearer.issuer.url)
        if str(page.url).startswith(lab.bearer.issuer.url):
            # This one wants to be sure.
            page = ada.send_form(page, logout="yes")
        assert str(page.url) == f"{lab.url}/"
        assert ada.get(f"{lab.url}{SECRET}").status_code == 401
        cookie = {"Cookie": f"voxlake-session-{urlsplit(lab.url).port}={stolen}"}
        assert httpx2.get(f"{lab.url}{SECRET}", headers=cookie).status_code == 401
        # The issuer asks for a password again, and the other browser is still in.
        assert "password" in ada.get(f"{lab.url}/login").text
        assert other.get(f"{lab.url}{SECRET}").status_code == 200


@pytest.mark.parametrize("what", ["end", "idle", "old"])
def test_who_may_not_ask_any_more_is_refused(lab: Issued, what: str) -> None:
    with Browser() as ada:
        assert ada.sign_in(lab.url, "ada", SECRET).status_code == 200
        there = lab.catalog.sessions.list_sessions("ada")[-1]
        if what == "end":
            lab.catalog.sessions.end(there.id)
        else:
            past = {"seen_at": now() - IDLE} if what == "idle" else {"ends_at": now()}
            with lab.catalog.database.write() as connection:
                connection.execute(update(sessions).where(sessions.c.id == there.id).values(past))
        until(lambda: ada.get(f"{lab.url}{SECRET}").status_code == 401)
        # The issuer still knows them.
        assert ada.sign_in(lab.url, "ada", SECRET).status_code == 200
        ada.ask("POST", f"{lab.url}/logout", lab.url)


def test_who_is_disabled_is_let_in_no_more(lab: Issued) -> None:
    with Browser() as ada:
        assert ada.sign_in(lab.url, "ada", SECRET).status_code == 200
        lab.catalog.people.disable_user("ada")
        try:
            until(lambda: ada.get(f"{lab.url}{SECRET}").status_code == 401)
            answer = ada.sign_in(lab.url, "ada")
            assert (answer.status_code, "disabled" in answer.text) == (401, True)
        finally:
            lab.catalog.people.disable_user("ada", disabled=False)
        assert ada.get(f"{lab.url}{SECRET}").status_code == 401


def test_what_a_group_at_the_issuer_stands_for_is_seen_at_once(lab: Issued) -> None:
    with Browser() as ada:
        assert ada.sign_in(lab.url, "ada", SECRET).status_code == 200
        lab.catalog.people.unmap_group("mappers")
        try:
            until(lambda: ada.get(f"{lab.url}{SECRET}").status_code == 404)
        finally:
            lab.catalog.people.map_group("mappers", "/lab/mappers")


class _ToGateway(httpx2.HTTPTransport):
    """What a reverse proxy does: requests to the public address go to the gateway."""

    def __init__(self, gateway: str) -> None:
        super().__init__()
        self.gateway = httpx2.URL(gateway)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        there = request.url.copy_with(
            scheme=self.gateway.scheme, host=self.gateway.host, port=self.gateway.port
        )
        passed_on = httpx2.Request(
            request.method, there, headers=request.headers, stream=request.stream
        )
        return super().handle_request(passed_on)


def test_behind_https_cookies_are_of_this_very_host(oidc_provider: str, lake: StoreURL) -> None:
    public = "https://lake.example.org"
    client, secret = register_client(oidc_provider, public, secret=True)
    others = {"oidc_client_id": client, "oidc_client_secret": secret, "public_url": public}
    with (
        run_gateway(lake, oidc_provider, **others) as gateway,
        Browser(mounts={public: _ToGateway(gateway.url)}) as ada,
    ):
        page = begin(ada, public)
        back = ada.get(stop_before_the_end(ada, page, "ada"), follow_redirects=False)
        assert back.status_code == 303, back.text
        signed_in, dropped = back.headers.get_list("set-cookie")
        assert signed_in.startswith("__Host-voxlake-session=")
        assert dropped.startswith('__Host-voxlake-login=""')
        for cookie in (page.headers["set-cookie"], signed_in, dropped):
            wanted = {"HttpOnly", "Path=/", "SameSite=lax", "Secure"}
            assert wanted <= set(cookie.split("; "))
            assert "Domain" not in cookie
        assert "signed in as ada" in ada.get(public).text
        # A cookie that some other host of the domain could set is none.
        planted = {"Cookie": f"voxlake-session={session_of(ada)}"}
        assert httpx2.get(gateway.url, headers=planted).text.count("sign in") == 1
