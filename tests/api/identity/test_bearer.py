"""People and programs carry access tokens of a real issuer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from tests.api.identity.gateways import PUBLIC, SECRET, Issued
from tests.servers.nanoidp import AUDIENCE

from voxlake.api.gateway import RECORD_SECONDS
from voxlake.api.identity.bearer import KNOWN_SECONDS
from voxlake.api.identity.signed import signed_claims
from voxlake.platform.access import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.nanoidp import NanoIdp

    from voxlake.api.identity.oidc.claims import Claims

PLACE = ["lab", "brain", "secret"]
WITHIN_S = 5.0


@pytest.fixture
def _mappers(issued: Issued, nanoidp: NanoIdp) -> Iterator[None]:
    """A group of the lake that stands for one of the issuer, and may read what is secret."""
    issued.catalog.people.add_user("keeper")
    issued.catalog.people.add_group("mappers", "keeper")
    issued.catalog.people.map_group("mappers", "/lab/mappers")
    issued.catalog.shares.share(PLACE, "mappers", Role.VIEWER)
    time.sleep(RECORD_SECONDS + 0.1)  # others may just have asked, whose answer is remembered
    yield
    issued.catalog.people.remove_group("mappers")


def until(ended: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not ended():
        assert time.monotonic() < deadline, "it is not over in time"
        time.sleep(0.05)


def test_who_carries_a_token_is_a_user(issued: Issued, nanoidp: NanoIdp) -> None:
    with issued.client(nanoidp.access_token("bob")) as bob:
        assert bob.get(PUBLIC).status_code == 200
        assert bob.get(SECRET).status_code == 404
        assert [each["name"] for each in bob.get("/v2/datasets").json()["datasets"]] == [
            "lab/brain/em"
        ]
        assert issued.catalog.people.get_user("bob").email == ""
        issued.catalog.shares.share(PLACE, "bob", Role.VIEWER)
        until(lambda: bob.get(SECRET).status_code == 200)
        issued.catalog.people.disable_user("bob")
        until(lambda: bob.get(PUBLIC).status_code == 401)
        assert "bob is disabled" in bob.get(PUBLIC).json()["detail"]


@pytest.mark.usefixtures("_mappers")
def test_a_group_of_the_issuer_is_one_of_the_lake(issued: Issued, nanoidp: NanoIdp) -> None:
    with issued.client(nanoidp.access_token("ada")) as ada:
        assert ada.get(SECRET).status_code == 200
        assert ada.get("/zarr/lab/brain/secret/0/c/0/0/0").status_code == 200
        assert ada.get("/v2/datasets/lab/brain/alone").status_code == 404
        issued.catalog.people.unmap_group("mappers")
        until(lambda: ada.get(SECRET).status_code == 404)


def test_administrators_of_the_issuer_have_everything(issued: Issued, nanoidp: NanoIdp) -> None:
    with issued.client(nanoidp.access_token("root")) as root:
        assert root.get(SECRET).status_code == 200
        assert len(root.get("/v2/datasets").json()["datasets"]) == 3
    assert not issued.catalog.people.get_user("root").is_administrator


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_other_tokens_of_the_issuer_are_none(issued: Issued, nanoidp: NanoIdp, kind: str) -> None:
    assert issued.status(nanoidp.tokens("ada")[kind], PUBLIC) == 401


def test_tokens_of_the_lake_are_taken_besides(issued: Issued) -> None:
    issued.catalog.people.add_user("program")
    _, secret = issued.catalog.tokens.make("program", "test")
    assert issued.status(secret, PUBLIC) == 200
    assert issued.status(secret[:-1], PUBLIC) == 401


def test_a_token_is_over_at_its_end(issued: Issued, nanoidp: NanoIdp) -> None:
    moment = int(time.time())
    claims = {"iss": nanoidp.issuer, "aud": AUDIENCE, "sub": "brief", "exp": moment - 26}
    key = nanoidp.signing_key()
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
    assert issued.status(token, PUBLIC) == 200
    until(lambda: issued.status(token, PUBLIC) == 401, within_s=4 + WITHIN_S)
    assert time.time() >= moment + 4


def test_a_signature_is_checked_once_a_while(
    issued: Issued, nanoidp: NanoIdp, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[float] = []

    async def check(*given: Any) -> Claims:
        checked.append(time.monotonic())
        return await signed_claims(*given)

    monkeypatch.setattr("voxlake.api.identity.bearer.signed_claims", check)
    with issued.client(nanoidp.access_token("ada")) as ada:
        began = time.monotonic()
        assert [ada.get(PUBLIC).status_code for _ in range(20)] == [200] * 20
        took = time.monotonic() - began
    assert 1 <= len(checked) <= 1 + took / KNOWN_SECONDS
