"""CORS on every answer, preflights before authentication, and only this machine's own names."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx2
    from tests.api.conftest import Served

PAGES = [
    "/v2/datasets",
    "/v2/datasets/lab/brain/secret",
    "/zarr/lab/brain/em/zarr.json",
    "/zarr/lab/brain/secret/0/c/0/0/0",
    "/nonsense",
    "/healthz",
]


@pytest.mark.parametrize("path", PAGES)
def test_preflights_are_answered_before_authentication(anonymous: httpx2.Client, path: str) -> None:
    asked = {
        "Origin": "https://viewer.example.org",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,range,content-digest",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = anonymous.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert {"authorization", "range", "if-match", "content-digest"} <= {*allowed.split(", ")}
    assert answer.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_may_be_read_and_none_carries_credentials(
    anonymous: httpx2.Client, path: str
) -> None:
    answer = anonymous.get(path, headers={"Origin": "https://viewer.example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"]
    for name in ("Content-Range", "Content-Encoding", "Content-Length", "ETag"):
        assert name in exposed


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "localhost.", "LOCALHOST", "[::ffff:127.0.0.1]"]
)
def test_this_machines_names_are_answered(served: Served, host: str) -> None:
    with served.client() as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
        assert client.get("/healthz", headers={"Host": f"{host}:99"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example.org", "127.0.0.1.evil.org", "localhost.evil.org:80", "", "[", "x@y",
     "evil.org@127.0.0.1", "127.0.0.1:evil", "127.0.0.1/x", "127.0.0.1?x", "localhost:80:80",
     "localhost..", "127.0.0.1, evil.org", "[127.0.0.1]", "[::1"],
)  # fmt: skip
def test_other_names_are_refused(served: Served, host: str) -> None:
    with served.client(owner=True) as client:
        for path in PAGES:
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 421
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("request_line", "hosts", "status"),
    [
        ("GET /healthz HTTP/1.1", ["localhost", "evil.org"], b"421"),
        ("GET /healthz HTTP/1.1", ["evil.org", "localhost"], b"421"),
        ("GET /healthz HTTP/1.1", [], b"421"),
        ("GET /healthz HTTP/1.0", [], b"200"),
        ("GET /healthz HTTP/1.0", ["evil.org"], b"421"),
    ],
)
def test_one_host_is_named_or_none_by_old_programs(
    served: Served, request_line: str, hosts: list[str], status: bytes
) -> None:
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        lines = [request_line, *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(1000).split()[1] == status


OWN, FOREIGN = "http://127.0.0.1", "http://127.0.0.1:9"
"""Of two ports of one machine: browsers send the cookies of one to the other."""
SECRET = "/v2/datasets/lab/brain/secret"


@pytest.fixture
def session(served: Served) -> str:
    """The cookie of a browser in which the owner is signed in."""
    return f"{served.identity.cookie}={served.identity.redeem(served.identity.new_link())}"


def whose(origin: str, served: Served) -> str:
    """Return the very origin of the server in the place of its name."""
    return served.url if origin == OWN else origin


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": OWN}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": OWN}, 200),
        ({}, 403),
        ({"Origin": FOREIGN}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https://127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": OWN}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
    ],
)
def test_a_cookie_changes_something_from_our_own_pages_alone(
    served: Served, session: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: whose(value, served) for name, value in headers.items()}
    with served.client() as client:
        answer = client.post("/login-links", headers={"Cookie": session, **sent})
        assert answer.status_code == status, answer.text
        assert answer.headers["access-control-allow-origin"] == "*"
        if status == 403:
            assert answer.json()["type"] == "urn:voxlake:error:foreign-origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": FOREIGN}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_token_changes_something_from_everywhere(
    owner: httpx2.Client, session: str, headers: dict[str, str]
) -> None:
    sent = {"Cookie": session, **headers}
    assert owner.post("/login-links", headers=sent).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": OWN}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        # Somebody follows a link on a page elsewhere, or a notebook has the view in a frame.
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Origin": FOREIGN}, 401),
        ({"Origin": "null"}, 401),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 401),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": FOREIGN}, 401),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 401),
    ],
)
def test_what_a_foreign_page_fetches_is_fetched_without_a_cookie(
    served: Served, session: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: whose(value, served) for name, value in headers.items()}
    with served.client() as client:
        assert client.get(SECRET, headers={"Cookie": session, **sent}).status_code == status
        assert client.get("/v2/datasets/lab/brain/em", headers=sent).status_code == 200
