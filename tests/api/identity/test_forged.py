"""Forged tokens are refused wherever something is not public, in the same words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute
from tests.api.guards.test_datasets import calls, every_route
from tests.api.identity.forgeries import FORGERIES, Forger
from tests.api.identity.gateways import PUBLIC, Issued
from tests.servers.issuer import ScriptedIssuer, run_issuer

from voxlake.api.guards.datasets import public

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    from tests.servers.nanoidp import NanoIdp

FILLED = {
    "collection": "lab",
    "experiment": "brain",
    "dataset": "em",
    "deleted": "1",
    "job_id": "0" * 26,
    "label": "1",
    "number": "1",
    "shard": "0",
    "token": "1",
}
OTHERS = (
    ("GET", "/zarr/lab/brain/em/zarr.json"),
    ("HEAD", "/zarr/lab/brain/em/0/c/0/0/0"),
    ("GET", "/zarr/lab/brain/secret/0/c/0/0/0"),
    ("GET", "/zarr/lab/brain/em"),
    ("GET", "/v2/datasets/lab/brain/nowhere"),
    ("GET", "/nonsense"),
    ("PATCH", "/v2/datasets"),
)
"""What no route of those below stands for."""


@pytest.fixture(scope="module")
def canary() -> Iterator[ScriptedIssuer]:
    """A server that nobody is to ask."""
    with run_issuer() as running:
        yield running
        assert running.asked == []


@pytest.fixture(scope="module")
def forger(nanoidp: NanoIdp, canary: ScriptedIssuer) -> Forger:
    return Forger(nanoidp.issuer, nanoidp.signing_key(), canary.url)


@pytest.fixture(scope="module")
def guarded(issued: Issued) -> list[tuple[str, str]]:
    """Every method and path that is not public, of a dataset that everybody may read."""
    found = [
        (method, re.sub(r"\{(\w+)\}", lambda name: FILLED.get(name[1], "ada"), route.path))
        for route in every_route(list(issued.app.routes))
        if isinstance(route, APIRoute) and public not in calls(route.dependant)
        for method in route.methods or ()
    ]
    assert {path.split("/")[1] for _, path in found} >= {"", "v2", "view"}
    assert len(found) > 40
    return [*found, *OTHERS]


@pytest.fixture(scope="module")
def asking(issued: Issued) -> Iterator[httpx2.Client]:
    with issued.client() as client:
        yield client


def ask(client: httpx2.Client, method: str, path: str, token: str) -> httpx2.Response:
    sent = f"Bearer {token}".strip().encode()
    return client.request(method, path, headers=[(b"authorization", sent)])


def test_what_is_forged_would_be_taken_if_it_were_genuine(
    asking: httpx2.Client, forger: Forger
) -> None:
    known = {**forger.header(), "x5t": "x", "jku": f"{forger.canary}/keys"}
    for token in (
        forger.genuine(),
        forger.headed(),
        forger.headed(typ="at+JWT"),
        forger.headed(typ="application/at+jwt"),
        forger.headed(**known),
        forger.genuine(aud=["elsewhere", forger.claims()["aud"]]),
        forger.genuine(token_use="access", typ="Bearer", nonce="x"),
    ):
        assert ask(asking, "GET", PUBLIC, token).status_code == 200


def detail_of(answer: httpx2.Response) -> str:
    """Return what an error says, of whichever API it is."""
    error = answer.json()
    return str(error.get("detail") or error["message"])


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused_everywhere(
    asking: httpx2.Client,
    forger: Forger,
    guarded: list[tuple[str, str]],
    canary: ScriptedIssuer,
    forgery: str,
) -> None:
    token = FORGERIES[forgery](forger)
    told = set()
    for method, path in guarded:
        answer = ask(asking, method, path, token)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == (
            'Bearer realm="voxlake", error="invalid_token"'
        )
        told.add("" if method == "HEAD" else detail_of(answer))
        assert not token or token not in answer.text
    said = (
        f"the token is none that {forger.issuer} made for this gateway, or it is over; sign in "
        "there again for another"
    )
    assert told == {"", said}
    assert canary.asked == []


def test_nobody_came_in(issued: Issued) -> None:
    names = {user.name for user in issued.catalog.people.list_users()}
    assert not names & {"root-2", "user", "elsewhere"}


def test_without_a_token_nothing_is_said_to_be_wrong_with_it(
    asking: httpx2.Client, forger: Forger
) -> None:
    answer = asking.get("/v2/datasets/lab/brain/secret")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="voxlake"'


@pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT", "", "Digest"])
def test_a_token_of_another_scheme_is_refused(
    asking: httpx2.Client, forger: Forger, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme} {forger.genuine()}".strip()}
    assert asking.get(PUBLIC, headers=headers).status_code == 401
