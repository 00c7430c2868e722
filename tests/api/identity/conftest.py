"""Gateways whose people sign in at real issuers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.api.identity.gateways import Issued, free_url, run_gateway
from tests.servers.nanoidp import PROGRAM, SECRET, NanoIdp
from tests.servers.oidc_provider.provider import register_client

from voxlake.platform.access import Role
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def issued(tmp_path_factory: pytest.TempPathFactory, nanoidp: NanoIdp) -> Iterator[Issued]:
    """The gateway."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("issued") / "lake"))
    with run_gateway(lake, nanoidp.issuer, oidc_administrators="lake-admin") as gateway:
        yield gateway


@pytest.fixture(scope="module", params=["nanoidp", "oidc-provider"])
def lab(request: pytest.FixtureRequest) -> Issued:
    """A gateway where people sign in with browsers, at each issuer."""
    gateway = request.getfixturevalue("plain" if request.param == "nanoidp" else "strict")
    assert isinstance(gateway, Issued)
    return gateway


@pytest.fixture(scope="module")
def plain(nanoidp: NanoIdp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    """A gateway where people sign in with browsers and from terminals, at nanoidp."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("lab") / "lake"))
    clients = {"oidc_client_secret": SECRET, "oidc_device_client_id": PROGRAM}
    with run_lab(lake, nanoidp.issuer, free_url(), **clients) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def strict(oidc_provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    """A gateway where people sign in with browsers, at a strict issuer."""
    lake, url = StoreURL.parse(str(tmp_path_factory.mktemp("strict") / "lake")), free_url()
    client, _ = register_client(oidc_provider, url)
    with run_lab(lake, oidc_provider, url, oidc_client_id=client) as gateway:
        yield gateway


@contextmanager
def run_lab(lake: StoreURL, issuer: str, url: str, **others: Any) -> Iterator[Issued]:
    """Run a gateway in which who is of `/lab/mappers` at the issuer reads the secret dataset."""
    others |= {"public_url": url, "oidc_administrators": "lake-admin"}
    with run_gateway(lake, issuer, **others) as gateway:
        people = gateway.catalog.people
        people.add_user("keeper")
        people.add_group("mappers", "keeper")
        people.map_group("mappers", "/lab/mappers")
        gateway.catalog.shares.share(["lab", "brain", "secret"], "mappers", Role.VIEWER)
        yield gateway
