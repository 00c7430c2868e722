"""Behind reverse proxies: what trusted ones say is so, and what anyone else says is not."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from tests.api.conftest import TOKEN, run_app
from tests.servers.proxy import run_proxy

from voxlake.api.app import create_app
from voxlake.api.http.layers.forwarded import Forwarded, parse_address, unwrap
from voxlake.api.http.layers.public_address import PublicAddress, inner_path
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send
    from tests.api.conftest import Served

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
PEER = ip_address("10.0.0.1")


def said(*headers: tuple[str, str]) -> Forwarded:
    """Return what is believed of a request that a trusted proxy passes on."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return unwrap(PEER, Headers(raw=raw), PROXIES)


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.2.0.1", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("[2001:db8::9]:443, fd00::1", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("10.3.0.1, 10.2.0.1", "10.3.0.1"),
        ("1.1.1.1, unknown", "10.0.0.1"),
        ("1.1.1.1, nonsense, 10.2.0.1", "10.2.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_is_the_first_hop_that_is_not_trusted(chain: str, client: str) -> None:
    assert str(said(("X-Forwarded-For", chain)).client) == client
    elements = ", ".join(f'for="{each.strip()}"' for each in chain.split(","))
    assert str(said(("Forwarded", elements)).client) == client


def test_lines_of_a_header_are_one_list() -> None:
    lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9, 10.2.0.1")]
    assert said(*lines).client == ip_address("203.0.113.9")


@pytest.mark.parametrize(
    ("headers", "scheme", "host", "prefix"),
    [
        ({"X-Forwarded-Proto": "https"}, "https", "", ""),
        ({"X-Forwarded-Proto": "HTTPS"}, "https", "", ""),
        ({"X-Forwarded-Proto": "javascript"}, "", "", ""),
        # The client's own words stand before those of the proxy.
        ({"X-Forwarded-For": "1.1.1.1", "X-Forwarded-Proto": "https, http"}, "http", "", ""),
        ({"X-Forwarded-Host": "evil.org, lake.org"}, "", "lake.org", ""),
        # Two trusted proxies, each with a word of its own, and with that of the outer alone.
        (
            {"X-Forwarded-For": "1.1.1.1, 10.2.0.1", "X-Forwarded-Proto": "https, http"},
            "https", "", "",
        ),
        ({"X-Forwarded-For": "1.1.1.1, 10.2.0.1", "X-Forwarded-Proto": "https"}, "https", "", ""),
        ({"X-Forwarded-Prefix": "/data/lake/"}, "", "", "/data/lake"),
        ({"X-Forwarded-Prefix": "/"}, "", "", ""),
        ({"X-Forwarded-Prefix": "//evil.org"}, "", "", ""),
        ({"X-Forwarded-Prefix": "/a\\b"}, "", "", ""),
        ({"Forwarded": "for=1.1.1.1;proto=https;host=lake.org"}, "https", "lake.org", ""),
        ({"Forwarded": 'for="1.1.1.1"; Proto=https ;host="lake.org:8443"'},
         "https", "lake.org:8443", ""),
        ({"Forwarded": "host=evil.org, for=1.1.1.1;host=lake.org"}, "", "lake.org", ""),
        ({"Forwarded": 'for="1.1.1.1;host=evil.org'}, "", "", ""),
        ({"Forwarded": "for=1.1.1.1;"}, "", "", ""),
        # Proxies that know one of the two pass the other on as the client wrote it.
        ({"X-Forwarded-For": "1.1.1.1", "Forwarded": "host=evil.org;proto=https"}, "", "", ""),
    ],
)  # fmt: skip
def test_scheme_host_and_prefix(
    headers: dict[str, str], scheme: str, host: str, prefix: str
) -> None:
    found = said(*headers.items())
    assert (found.scheme, found.host, found.prefix) == (scheme, host, prefix)


@given(st.text(max_size=80), st.text(max_size=40))
def test_any_words_are_read_without_a_failure(forwarded: str, chain: str) -> None:
    for name, value in (("forwarded", forwarded), ("x-forwarded-for", chain)):
        raw = [(name.encode(), value.encode("utf-8"))]
        found = unwrap(PEER, Headers(raw=raw), PROXIES)
        assert found.scheme in {"", "http", "https"}
        assert parse_address(str(found.client)) == found.client


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what is known of the request."""
    request = Request(scope)
    found = [str(request.base_url), (scope["client"] or ("",))[0], inner_path(scope)]
    await JSONResponse(found)(scope, receive, send)


def ask(
    headers: dict[str, str],
    peer: tuple[str, int] | None = ("10.0.0.1", 9),
    path: str = "/zarr/x",
    public_url: str | None = None,
) -> list[str]:
    """Return base URL, client and inner path of a request from a peer."""
    app = PublicAddress(tell, public_url, PROXIES)

    async def send() -> Any:
        transport = httpx2.ASGITransport(with_peer)
        async with httpx2.AsyncClient(transport=transport, base_url="http://inner:80") as client:
            return (await client.get(path, headers=headers)).json()

    async def with_peer(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": peer}, receive, send)

    found = asyncio.run(send())
    assert isinstance(found, list)
    return found


ALL = {
    "X-Forwarded-For": "1.1.1.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "lake.org",
    "X-Forwarded-Prefix": "/data",
}


def test_a_trusted_proxy_is_believed() -> None:
    assert ask(ALL) == ["https://lake.org/data/", "1.1.1.1", "/zarr/x"]


@pytest.mark.parametrize("peer", [("192.0.2.1", 9), ("::1", 9), ("", 0), None])
def test_nobody_else_is(peer: tuple[str, int] | None) -> None:
    address = peer[0] if peer else ""
    assert ask(ALL, peer) == ["http://inner/", address, "/zarr/x"]
    forwarded = {"Forwarded": "for=1.1.1.1;proto=https;host=evil.org"}
    assert ask(forwarded, peer) == ["http://inner/", address, "/zarr/x"]


def test_an_address_of_both_families_is_one() -> None:
    assert ask(ALL, ("::ffff:10.0.0.1", 9))[1] == "1.1.1.1"


@pytest.mark.parametrize("path", ["/zarr/x", "/my/lake/zarr/x"])
def test_a_public_url_is_the_only_one(path: str) -> None:
    public_url = "https://lake.example.org:8443/my/lake"
    for headers in (ALL, {"Host": "evil.org"}, {"X-Forwarded-Host": "evil.org"}):
        base, _, inner = ask(headers, path=path, public_url=public_url)
        assert (base, inner) == (f"{public_url}/", "/zarr/x")


@contextlib.contextmanager
def run_gateway_behind(served: Served, prefix: str, **settings: Any) -> Iterator[str]:
    """Run a gateway and a proxy before it, and yield the proxy's URL."""
    chosen = Settings(**settings)
    identity = LocalIdentity(TOKEN, "voxlake-session-test")
    app = create_app(chosen, served.lake, served.catalog, identity)
    with run_app(app) as url, run_proxy(url, prefix) as proxy:
        yield proxy


@pytest.mark.parametrize("prefix", ["", "/my/lake"])
def test_a_login_and_all_links_work_through_a_proxy(served: Served, prefix: str) -> None:
    """The proxy says that it is asked by https; the client follows as a browser would."""
    with run_gateway_behind(served, prefix, trusted_proxies=["127.0.0.1"]) as proxy:
        outside = proxy.replace("http://", "https://")
        owner = {"Authorization": f"Bearer {TOKEN}"}
        with httpx2.Client() as client:
            made = client.post(f"{proxy}/login-links?next=/view/lab/brain/secret", headers=owner)
            link = made.json()["login_link"]
            assert link.startswith(f"{outside}/login?once=")
            entered = client.get(link.replace(outside, proxy))
            assert entered.headers["location"] == f"{prefix}/view/lab/brain/secret"
            assert "Secure" in entered.headers["set-cookie"]
            session = entered.headers["set-cookie"].partition(";")[0]
            view = client.get(f"{proxy}/view/lab/brain/secret", headers={"Cookie": session})
            assert view.headers["location"].startswith(f"{outside}/neuroglancer/#!")
            assert f"{outside}/zarr/lab/brain/secret/" in unquote(view.headers["location"])
            moved = client.get(f"{proxy}/neuroglancer")
            assert moved.headers["location"] == f"{prefix}/neuroglancer/"
            described = client.get(f"{proxy}/v2/datasets/lab/brain/em").json()
            assert described["zarr_url"] == f"{outside}/zarr/lab/brain/em"
            home = client.get(f"{proxy}/").text
            assert f'href="{prefix}/v2/datasets"' in home
            assert f'href="{prefix}/view/lab/brain/em"' in home
            servers = client.get(f"{proxy}/openapi.json").json().get("servers")
            assert servers == ([{"url": prefix}] if prefix else None)
            head = client.head(f"{proxy}/zarr/lab/brain/em/zarr.json")
            assert (head.status_code, head.headers["accept-ranges"]) == (200, "bytes")


def test_a_proxy_that_is_not_trusted_changes_nothing(served: Served) -> None:
    with run_gateway_behind(served, "", trusted_proxies=["192.0.2.0/24"]) as proxy:
        described = httpx2.get(f"{proxy}/v2/datasets/lab/brain/em").json()
        assert described["zarr_url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["lake.example.org", "evil.org", "gateway:8080", "127.0.0.1"])
def test_with_a_public_url_no_host_header_gets_into_links(served: Served, host: str) -> None:
    public_url = "https://lake.example.org/my"
    with run_gateway_behind(served, "", public_url=public_url) as proxy:
        sent = {"Host": host, "X-Forwarded-Host": "evil.org", "Forwarded": "host=evil.org"}
        answer = httpx2.get(f"{proxy}/v2/datasets/lab/brain/em", headers=sent)
        assert answer.json()["zarr_url"] == f"{public_url}/zarr/lab/brain/em"
        moved = httpx2.get(f"{proxy}/neuroglancer", headers=sent)
        assert moved.headers["location"] == "/my/neuroglancer/"


def test_without_one_the_host_that_a_proxy_names_is_checked_too(served: Served) -> None:
    with run_gateway_behind(served, "", trusted_proxies=["127.0.0.1"]) as proxy:
        answer = httpx2.get(f"{proxy}/healthz", headers={"Host": "evil.org"})
        assert answer.status_code == 421
        assert "VOXLAKE_PUBLIC_URL" in answer.json()["detail"]
