"""What an issuer says at the end of a login, right and wrong."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from tests.servers.issuer import DISCOVERY, ScriptedIssuer, run_issuer

from voxlake.api.identity.cookies import Cookie
from voxlake.api.identity.oidc.claims import ClaimPlaces
from voxlake.api.identity.oidc.flow import Callback, Flow
from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.api.identity.oidc.login import Client, OidcLogin
from voxlake.api.identity.signed_in import SignedIn
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import IssuerUnavailableError, UnauthenticatedError
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.catalog.identity.person import Profile
    from voxlake.platform.store import StoreURL

LAKE = "https://lake.example.org"
FLOW = Flow.begin("/")
ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
)


@pytest.fixture
def issuer() -> Iterator[ScriptedIssuer]:
    with run_issuer() as running:
        running.new_key("first")
        about = {
            "authorization_endpoint": f"{running.url}/auth",
            "token_endpoint": f"{running.url}/token",
            "userinfo_endpoint": f"{running.url}/me",
        }
        running.answers[DISCOVERY] = json.dumps(running.about() | about).encode()
        running.answers["/me"] = json.dumps({"sub": "248", "groups": ["lab"]}).encode()
        yield running


@pytest.fixture
def login(issuer: ScriptedIssuer, lake: StoreURL) -> Iterator[OidcLogin]:
    with open_catalog(lake, Settings()) as catalog:
        signed_in = SignedIn(catalog.sessions, catalog.identities, Cookie("session"))
        client = Client("lake", None, "openid", LAKE)
        yield OidcLogin(Issuer(issuer.url), client, signed_in, Cookie("login"), ClaimPlaces())


def answer_with(issuer: ScriptedIssuer, id_token: str | None) -> None:
    tokens = {"access_token": "at", "token_type": "Bearer", "id_token": id_token}
    issuer.answers["/token"] = json.dumps(tokens).encode()


def finish(login: OidcLogin) -> Profile:
    return asyncio.run(login.finish(FLOW, Callback(FLOW.state, "code", None, None)))


def test_what_a_right_one_says_is_believed(issuer: ScriptedIssuer, login: OidcLogin) -> None:
    said = {"preferred_username": "ada", "roles": ["reader"], "at_hash": "x", "azp": "lake"}
    answer_with(issuer, issuer.token(issuer.keys[0], nonce=FLOW.nonce, **said))
    profile = finish(login)
    assert (profile.issuer, profile.subject, profile.name) == (issuer.url, "248", "ada")
    assert profile.groups == {"reader", "lab"}


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "x" * 43},
        {"nonce": None},
        {"aud": "other"},
        {"aud": ["lake", "other"], "azp": "other"},
        {"iss": "https://evil.example.org"},
        {"exp": int(time.time()) - 600},
        {"nbf": int(time.time()) + 86_400},
        {"sub": ""},
    ],
)
def test_one_that_is_not_for_this_login_is_refused(
    issuer: ScriptedIssuer, login: OidcLogin, change: dict[str, Any]
) -> None:
    answer_with(issuer, issuer.token(issuer.keys[0], **({"nonce": FLOW.nonce} | change)))
    with pytest.raises(UnauthenticatedError, match="this login is not good"):
        finish(login)


def test_one_that_the_issuer_did_not_sign_is_refused(
    issuer: ScriptedIssuer, login: OidcLogin
) -> None:
    other = ECKey.generate_key("P-256", {"kid": "first"})
    by_secret = jwt.encode(
        {"alg": "HS256", "kid": "first"}, {"nonce": FLOW.nonce}, OctKey.generate_key()
    )
    for id_token in (issuer.token(other, nonce=FLOW.nonce), by_secret, "x", "", None):
        answer_with(issuer, id_token)
        with pytest.raises(UnauthenticatedError, match="none for this gateway"):
            finish(login)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/token", b"<html>"),
        ("/token", b"[]"),
        ("/token", b'{"error": "invalid_client", "error_description": "hidden"}'),
        ("/token", b'{"error": ["invalid_grant"]}'),
        ("/me", b"<html>"),
        ("/me", b"[]"),
        ("/me", b'{"sub": "249"}'),
        (DISCOVERY, b"{}"),
    ],
)
def test_an_issuer_that_answers_something_else_signs_nobody_in(
    issuer: ScriptedIssuer, login: OidcLogin, path: str, body: bytes
) -> None:
    answer_with(issuer, issuer.token(issuer.keys[0], nonce=FLOW.nonce))
    issuer.answers[path] = body
    with pytest.raises(IssuerUnavailableError) as raised:
        finish(login)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_issuer_that_fails_signs_nobody_in(
    issuer: ScriptedIssuer, login: OidcLogin, status: int
) -> None:
    answer_with(issuer, issuer.token(issuer.keys[0], nonce=FLOW.nonce))

    async def fail_then_finish() -> None:
        await login.begin(FLOW)
        issuer.status, issuer.redirect = status, f"{issuer.url}/me"
        await login.finish(FLOW, Callback(FLOW.state, "code", None, None))

    with pytest.raises((IssuerUnavailableError, UnauthenticatedError)):
        asyncio.run(fail_then_finish())


def test_an_issuer_that_is_not_there_signs_nobody_in(login: OidcLogin) -> None:
    gone = OidcLogin(
        Issuer("http://127.0.0.1:9"), login.client, login.signed_in, login.cookie, login.places
    )
    with pytest.raises(IssuerUnavailableError, match="does not answer"):
        asyncio.run(gone.begin(FLOW))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_nothing_is_sent_in_the_open(issuer: ScriptedIssuer, login: OidcLogin, name: str) -> None:
    answer_with(issuer, issuer.token(issuer.keys[0], nonce=FLOW.nonce))
    about = json.loads(issuer.answers[DISCOVERY]) | {name: "http://evil.example.org/"}
    issuer.answers[DISCOVERY] = json.dumps(about).encode()

    async def all_of_it() -> None:
        await login.begin(FLOW)
        await login.finish(FLOW, Callback(FLOW.state, "code", None, None))
        await login.end_address()

    with pytest.raises(IssuerUnavailableError):
        asyncio.run(all_of_it())
