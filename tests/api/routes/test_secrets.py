"""No secret is where it does not belong, after requests of all kinds that carry some everywhere."""

from __future__ import annotations

import base64
import io
import socket
from itertools import cycle
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import Depends
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import SecretStr
from tests.api.conftest import run_app
from tests.api.identity.browser import Browser, session_of
from tests.api.identity.gateways import free_url
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.api.routes.leaks import COOKIES, Hunt, carrying, secret_settings, wrong_credentials
from tests.servers.nanoidp import AUDIENCE, CLIENT, SECRET, NanoIdp

from voxlake.api.app import create_app
from voxlake.api.guards.datasets import public
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway
from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store
from voxlake.platform.access import Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.errors import StoreError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, adapters
from voxlake.platform.telemetry.logs import written_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

PATHS = ("/c/{}/zarr/lab/brain/em/zarr.json", "/login/{}", "/{}")
NAMES = {"collection": "lab", "experiment": "brain", "dataset": "cells", "user": "eve"}
"""What parameters of paths are filled with; others with 1."""
HANDS_OUT = {"/v2/tokens", "/v2/tokens/{token}/rotate", "/login-links"}
"""What is asked for a secret, and answers it once."""


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and template of every route."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield method, route.path_format


KEEPS = {"/v2/states"}
"""Addresses that keep whatever JSON they are sent."""


def filled(template: str) -> str:
    """Return an address of a route."""
    parts = template.split("/")
    return "/".join(
        NAMES.get(part.strip("{}"), "1") if part.startswith("{") else part for part in parts
    )


def ask(hunt: Hunt, app: FastAPI, client: httpx2.Client, good: list[str]) -> None:
    """Ask every route, and beside the routes, with secrets in every place."""
    extra, body = carrying(hunt), {"token": hunt.secret("body"), "password": hunt.secret("body")}
    wrong = cycle(wrong_credentials(hunt))
    asked = [(method, filled(each), each in HANDS_OUT) for method, each in routes(app)]
    beside = [("GET", path.format(hunt.secret(f"path {path}")), False) for path in PATHS]
    for method, path, hands_out in (*asked, *beside):
        sent = {"title": "a view"} if path in KEEPS else body
        json = sent if method in {"POST", "PUT", "PATCH"} else None
        for authorization in (next(wrong), None, *(f"Bearer {token}" for token in good)):
            headers = extra["headers"] | ({"Authorization": authorization} if authorization else {})
            # Who may ask is refused what nobody knows, so they ask without it.
            params = {} if authorization and authorization[7:] in good else extra["params"]
            answer = client.request(method, path, params=params, headers=headers, json=json)
            if not hands_out or answer.is_error:
                hunt.look_at(answer)


def sign_in(hunt: Hunt, local: LocalIdentity, client: httpx2.Client) -> None:
    """Use a login link, the cookie that it gives, and the link once more."""
    once = {"once": hunt.secret("login link", local.new_link())}
    assert client.get("/login", params=once).status_code == 303
    hunt.secret("cookie of a browser that is signed in", client.cookies[local.cookie])
    hunt.look_at(client.get("/v2/datasets/lab/brain/secret"))
    client.cookies.clear()
    hunt.look_at(client.get("/login", params=once))


def sign_in_at_issuer(hunt: Hunt, url: str) -> None:
    """Sign somebody in with a browser."""
    with Browser() as browser:
        page = browser.sign_in(url, "ada")
        hunt.secret("cookie of somebody who signed in", session_of(browser))
        (back,) = [one.url.params for one in page.history if one.url.path == "/login/callback"]
        for name in ("code", "state"):
            hunt.secret(f"{name} of a login", back[name])


def follow_link(hunt: Hunt, client: httpx2.Client, owner: str) -> None:
    """Make a link, and read by it."""
    headers = {"Authorization": f"Bearer {owner}"}
    made = client.post("/v2/links/lab/brain/em", json={}, headers=headers).raise_for_status()
    url = made.json()["url"].rstrip("/")
    hunt.secret("token of a link", url.rpartition("/c/")[2])
    for path in ("/zarr/lab/brain/em/zarr.json", "/zarr/lab/brain/absent/zarr.json", "/v2/users"):
        hunt.look_at(client.get(url + path))


def send_nonsense(hunt: Hunt, url: str) -> None:
    """Send what is no HTTP, with secrets in it."""
    host, port = url.removeprefix("http://").split(":")
    token = hunt.secret("malformed request")
    for sent in (f"GET /{token}\r\n\r\n", f"GET / HTTP/1.1\r\nAuthorization {token}\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=60) as client:
            client.sendall(sent.encode())
            hunt.places[f"answer to {len(sent)} bytes of nonsense"] = client.recv(1 << 16)


def ask_gateway(hunt: Hunt, app: FastAPI, good: list[str], known: list[str]) -> None:
    """Run a gateway and ask it everything, with wrong credentials and with good ones.

    What is `known` to be secret gets into a message of an error that nobody foresaw.
    """

    @app.get("/fails", dependencies=[Depends(public)])
    def fail() -> None:
        raise RuntimeError(f"refused: {known}")

    gateway = app.state.gateway
    port = httpx2.URL(gateway.settings.public_url or "").port or 0
    with run_app(app, port) as url, httpx2.Client(base_url=url, timeout=60) as client:
        ask(hunt, app, client, good)
        if gateway.identity.local is None:
            sign_in_at_issuer(hunt, url)
        else:
            sign_in(hunt, gateway.identity.local, client)
            follow_link(hunt, client, good[0])
        send_nonsense(hunt, url)
        with Gateway(url, good[0]) as asker:
            assert asker.datasets()
            hunt.look("client", asker, asker._connection, asker._connection._http)
    hunt.places[f"metrics of {url}"] = gateway.metrics.text()
    identity = gateway.identity
    hunt.look(url, gateway, gateway.settings, identity, identity.local, identity.oidc)


def make_lake(hunt: Hunt, lake: StoreURL, catalog: Catalog) -> str:
    """Fill a lake, with people who have tokens; return one that is good."""
    for sample in (
        Sample("lab/brain/em", image_voxels((16, 16, 16)), public=True, levels=1),
        Sample("lab/brain/cells", label_voxels((16, 16, 16)), Kind.LABELS, of="em", levels=1),
        Sample("lab/brain/secret", image_voxels((16, 16, 16)), levels=1),
    ):
        add_sample(lake, catalog, sample)
    catalog.people.add_user("eve")
    catalog.people.add_user("ada", administrator=True)
    catalog.shares.share(["lab", "brain"], "ada", Role.OWNER)
    old, revoked = catalog.tokens.make("ada", "old")
    hunt.secret("token that is revoked", revoked)
    catalog.tokens.revoke(old.id)
    made, token = catalog.tokens.make("ada", "laptop")
    hunt.look("catalog", catalog, made, *catalog.people.list_users()[:1], *catalog.list_datasets())
    return hunt.secret("token of a user", token)


def ask_what_is_not_there(hunt: Hunt, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a store and a database that do not answer."""
    monkeypatch.setattr(adapters, "prepare_process", lambda: settings)
    monkeypatch.setattr(adapters, "_bucket", adapters._bucket.__wrapped__)
    url = StoreURL.parse("s3://bucket/lake?endpoint=http://127.0.0.1:9")
    # Handles of stores are opened with keys, which their pickles carry; what they show does not.
    hunt.places["repr of handles"] = f"{store.as_obstore(url)!r} {store.as_zarr(url)!r}".encode()
    with pytest.raises(StoreError) as failed:
        store.read(url / "x")
    hunt.look("store", url, failed.value)
    password = hunt.secret("password of the database")
    remote = Settings(database_url=f"postgresql://lake:{password}@127.0.0.1:9/lake")
    with pytest.raises(StoreError) as unreachable:
        open_catalog(url, remote)
    hunt.look("database", remote, unreachable.value)


def at_issuer(hunt: Hunt, settings: Settings, issuer: NanoIdp) -> Settings:
    """Return settings with which people sign in at an issuer."""
    given: dict[str, object] = {
        "oidc_issuer": issuer.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(hunt.secret("client secret", SECRET)),
        "oidc_audience": AUDIENCE,
        "public_url": free_url(),
    }
    return settings.model_copy(update=given)


@pytest.fixture(scope="module")
def hunt(tmp_path_factory: pytest.TempPathFactory, nanoidp: NanoIdp) -> Hunt:
    """What was looked for and where, when everything was done."""
    hunt, log, folder = Hunt(), io.StringIO(), tmp_path_factory.mktemp("secrets")
    lake = StoreURL.parse(str(folder / "lake"))
    given = secret_settings(hunt)
    settings = Settings(
        **given,
        store_retries=0,
        store_connect_timeout_s=1,
        log_level="debug",
        failed_logins_per_minute=0,
    )
    owner = hunt.secret("token of the owner", f"voxlake_{'canary-3' * 5}")
    local = LocalIdentity(owner, COOKIES[0])
    with (
        pytest.MonkeyPatch.context() as patch,
        written_logs(settings, log),
        open_catalog(lake, settings) as catalog,
    ):
        user = make_lake(hunt, lake, catalog)
        known = [*given.values(), user, owner]
        ask_gateway(hunt, create_app(settings, lake, catalog, local), [owner, user], known)
        signed = hunt.secret("access token", nanoidp.access_token("ada"))
        app = create_app(at_issuer(hunt, settings, nanoidp), lake, catalog, None)
        ask_gateway(hunt, app, [signed], [*known, signed])
        ask_what_is_not_there(hunt, settings, patch)
    hunt.places["log"] = log.getvalue().encode()
    for path in folder.rglob("*"):
        if path.is_file():
            hunt.places[f"file {path.relative_to(folder)}"] = path.read_bytes()
    return hunt


def test_no_secret_is_where_it_does_not_belong(hunt: Hunt) -> None:
    assert len(hunt.secrets) > 30
    assert hunt.found() == []


def test_there_was_enough_to_look_at(hunt: Hunt) -> None:
    log = hunt.places["log"].decode()
    assert log.count('"event": "request"') > 300
    assert "refused: [" in log
    assert log.count('"status": 429') == 0
    assert log.count('"status": 200') > 50
    assert log.count("[redacted]") >= 10
    assert any(place.endswith("catalog.sqlite") for place in hunt.places)
    answers = [text for place, text in hunt.places.items() if place.startswith("answer")]
    assert len(answers) > 300
    assert any(b"voxlake_requests_total" in text for text in hunt.places.values())


@pytest.mark.parametrize("place", ["log", "file", "metrics", "repr", "pickle", "answer"])
def test_a_secret_that_is_planted_is_found(hunt: Hunt, place: str) -> None:
    where = next(each for each in hunt.places if each.startswith(place))
    secret = hunt.secrets["API token"]
    wrapped = base64.b64encode(f"user:{secret}:rest".encode())
    for form in (secret.encode(), secret.encode().hex().encode(), wrapped):
        planted = Hunt({"API token": secret}, dict(hunt.places))
        planted.places[where] += form
        assert planted.found() == [f"API token is in {where}"]
