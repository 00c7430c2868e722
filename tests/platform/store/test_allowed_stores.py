"""Stores that somebody else named: what is on the list is opened, and nothing else is reached."""

from __future__ import annotations

import http.client
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
import tensorstore as ts
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.canary import Canary, hostile_addresses, run_canary, run_redirecting
from tests.servers.web import run_web

from voxlake.platform import store
from voxlake.platform.errors import (
    InvalidInputError,
    ObjectNotFoundError,
    StoreError,
    StoreForbiddenError,
    VoxlakeError,
)
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, as_tensorstore
from voxlake.platform.store.allowed.outbound import is_open, proxy_to
from voxlake.platform.store.allowed.stores import allowed_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAKE = StoreURL.parse("/data/lake")
LISTED = Settings(
    allowed_stores=(
        "/data/open",
        "s3://open/em",
        "s3://open?endpoint=https://s3.lab.org&region=eu-1",
        "https://lab.org",
        "https://lab.org:8443/em",
        "http://127.0.0.1:1/em",
        "gs://open_em/em",
        "az://open/em?account=lab",
    )
)


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A server that nobody may reach."""
    with run_canary() as canary:
        yield canary


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("/data/open", False),
        ("/data/open/a b/em.zarr", False),
        ("/data/lake/raw/em.zarr", False),
        ("s3://open/em", False),
        ("s3://open/em/x.zarr?region=eu-1", False),
        ("s3://open/x.zarr?endpoint=https://s3.lab.org", True),
        ("gs://open_em/em/x.zarr", False),
        ("az://open/em/x.zarr?account=lab", True),
        ("https://lab.org/em%20x.zarr/", True),
        ("https://lab.org:443/em.zarr", True),
        ("https://lab.org:8443/em/x.zarr", True),
        ("http://127.0.0.1:1/em/x.zarr", True),
    ],
)
def test_what_is_on_the_list_may_be_opened(text: str, foreign: bool) -> None:
    url = allowed_store(text, LAKE, LISTED)
    assert url.foreign is foreign
    assert (url / "0").foreign is foreign
    assert allowed_store(str(url), LAKE, LISTED) == url


@pytest.mark.parametrize(
    "text",
    [
        "/data/opened/em.zarr",
        "/data/open/../secret",
        "/data",
        "/",
        "/data/lake/.voxlake",
        "/data/lake/.voxlake/catalog.sqlite",
        "s3://open/emx",
        "s3://open",
        "s3://opened/em",
        "s3://open/em?endpoint=https://evil.org",
        "gs://open_em/emx",
        "gs://open_em",
        "gs://open/em",
        "az://open/em/x.zarr?account=evil",
        "az://open/em/x.zarr?endpoint=https://evil.org",
        "az://open/emx?account=lab",
        "https://lab.org.evil.org/em.zarr",
        "https://evil.org/lab.org",
        "http://lab.org/em.zarr",
        "https://lab.org:8443/emx",
        "https://lab.org:80/em",
        "https://www.lab.org/em",
    ],
)
def test_what_is_not_on_the_list_is_refused(text: str) -> None:
    with pytest.raises(StoreForbiddenError, match="VOXLAKE_ALLOWED_STORES"):
        allowed_store(text, LAKE, LISTED)


@pytest.mark.parametrize(
    "text",
    [
        *("gs://open_em/em?endpoint=https://evil.org", "gs://open_em/em#x", "gs://me@open_em/em"),
        *("az://open/em?account=lab&account=evil", "az://open/em?account=lab.evil.org/"),
        *("az://open/em?account=lab&endpoint=http://2130706433", "az://open/em?region=x"),
    ],
)
def test_an_address_of_a_cloud_is_plain(text: str) -> None:
    with pytest.raises(InvalidInputError):
        allowed_store(text, LAKE, LISTED)


def test_a_storage_account_is_ours_or_foreign() -> None:
    ours = LISTED.model_copy(update={"azure_account": "lab"})
    assert not allowed_store("az://open/em?account=lab", LAKE, ours).foreign
    assert not allowed_store("az://open/em", LAKE, ours).foreign
    emulator = Settings(allowed_stores=("az://open",), azure_endpoint="http://127.0.0.1:1/lab")
    url = allowed_store("az://open/em", LAKE, emulator)
    assert allowed_store(str(url), LAKE, emulator) == url
    with pytest.raises(StoreForbiddenError):
        allowed_store("az://open/em?endpoint=http://127.0.0.1:1/evil", LAKE, emulator)
    with pytest.raises(InvalidInputError):
        allowed_store("az://open/em?endpoint=http://127.0.0.1:1/lab/../x", LAKE, emulator)


def test_a_link_in_a_listed_folder_leads_nowhere(tmp_path: Path) -> None:
    open_folder, secret = tmp_path / "open", tmp_path / "secret"
    for folder in (open_folder, secret):
        folder.mkdir()
    (open_folder / "em.zarr").symlink_to(secret)
    with pytest.raises(StoreForbiddenError):
        allowed_store(
            str(open_folder / "em.zarr"), LAKE, Settings(allowed_stores=(str(open_folder),))
        )


def test_what_is_listed_has_to_be_a_store() -> None:
    with pytest.raises(InvalidInputError, match=r"evil\.org"):
        allowed_store("/data/open", LAKE, Settings(allowed_stores=("https://me:pw@evil.org",)))


def test_there_are_sixty_hostile_addresses_or_more(canary: Canary) -> None:
    assert len(set(hostile_addresses(canary.port))) >= 60


def test_what_hostile_addresses_lead_to_is_never_reached(canary: Canary) -> None:
    for text in hostile_addresses(canary.port):
        with pytest.raises((InvalidInputError, StoreForbiddenError)):
            allowed_store(text, LAKE, LISTED)
    assert canary.hits == []


def test_the_canary_sees_who_comes(canary: Canary) -> None:
    with pytest.raises(StoreError):
        store.read(StoreURL.parse_readable(f"http://127.0.0.1:{canary.port}/zarr.json"))
    assert canary.hits


@given(st.text(max_size=40))
def test_whatever_is_asked_for_is_refused_in_words(text: str) -> None:
    for each in (text, f"https://{text}", f"s3://{text}", f"https://lab.org{text}", f"/{text}"):
        try:
            url = allowed_store(each, LAKE, LISTED)
        except VoxlakeError:
            continue
        assert url.root == "lab.org" or url.path.is_relative_to("/data")


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "224.0.0.1",
        "::",
        "0.0.0.0",
    ],
)
def test_what_tells_secrets_is_never_open(text: str) -> None:
    address = ip_address(text)
    assert not is_open(address, private=True)
    if address.version == 4:
        for way in (f"::ffff:{text}", f"64:ff9b::{text}"):
            assert not is_open(ip_address(way), private=True), way


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd12::1"]
)
def test_private_addresses_are_open_where_that_is_said(text: str) -> None:
    assert not is_open(ip_address(text), private=False)
    assert is_open(ip_address(text), private=True)


def listed(address: str) -> StoreURL:
    """Return the address of a listed store."""
    return allowed_store(address, LAKE, Settings(allowed_stores=(address,)))


def read_all(url: StoreURL) -> list[Exception]:
    """Read an object by each library that reads stores, and return how each failed."""
    failures: list[Exception] = []
    for read in (
        lambda: store.read(url / "zarr.json"),
        lambda: store.head(url / "zarr.json"),
        lambda: ts.KvStore.open(as_tensorstore(url)).result().read("zarr.json").result(),
    ):
        try:
            read()
        except (VoxlakeError, ValueError) as error:
            failures.append(error)
    return failures


def test_a_listed_store_is_read(tmp_path: Path) -> None:
    (tmp_path / "em.zarr").mkdir()
    document = tmp_path / "em.zarr" / "zarr.json"
    document.write_bytes(b"{}" * 100_000)
    with run_web(tmp_path) as web:
        url = listed(f"{web.address}/em.zarr")
        assert store.read(url / "zarr.json").body == b"{}" * 100_000
        assert store.read_range(url / "zarr.json", 1, 3) == b"}{"
        with pytest.raises(ObjectNotFoundError):
            store.read(url / "nothing")
        assert read_all(url) == []
        before = store.head(url / "zarr.json").etag
        assert store.read(url / "zarr.json").etag == before
        document.write_bytes(b"{}")
        assert store.head(url / "zarr.json").etag != before


def test_a_redirect_is_not_followed(canary: Canary) -> None:
    with run_redirecting(canary.port) as address:
        assert len(read_all(listed(f"{address}/em.zarr"))) == 3
        assert len(read_all(listed(f"s3://open/em.zarr?endpoint={address}"))) == 3
    assert canary.hits == []


def test_a_name_that_leads_inside_is_not_followed(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", canary.port))]

    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for scheme in ("http", "https"):
        failures = read_all(listed(f"{scheme}://lab.org:{canary.port}/em.zarr"))
        assert len(failures) == 3
        assert any(isinstance(each, StoreForbiddenError) for each in failures)
    assert canary.hits == []


def test_the_proxy_makes_a_tunnel_for_tls(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_bytes(b"{}")
    with run_web(tmp_path) as web:
        where = web.address.removeprefix("http://")
        proxy = proxy_to(f"https://{where}").removeprefix("http://")
        connection = http.client.HTTPConnection(proxy, timeout=60)
        connection.set_tunnel(where)
        connection.request("GET", "/zarr.json")
        assert connection.getresponse().read() == b"{}"
        connection.close()


def test_the_proxy_connects_to_one_host_alone(canary: Canary) -> None:
    proxy = proxy_to("http://127.0.0.1:1").removeprefix("http://")
    for method, target in (
        ("GET", f"http://127.0.0.1:{canary.port}/"),
        ("CONNECT", f"127.0.0.1:{canary.port}"),
        ("GET", "/"),
        ("GET", "http://127.0.0.1:many/"),
        ("GET", "file:///etc/passwd"),
    ):
        connection = http.client.HTTPConnection(proxy, timeout=60)
        connection.request(method, target)
        assert connection.getresponse().status == 403
        connection.close()
    assert canary.hits == []
