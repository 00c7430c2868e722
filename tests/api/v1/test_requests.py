"""Requests as bossDB's clients write them: odd slashes, bodies that nobody needs, raw names."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest
from imagecodecs import blosc_decode
from tests.api.conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    from tests.api.conftest import Served

JSON = {"Content-Type": "application/json"}
CHANNEL = "collection/lab/experiment/brain/channel/em"
BOX = "0/3:9/2:7/3:5"


@pytest.fixture
def raw(bossdb: Served) -> Iterator[http.client.HTTPConnection]:
    """A connection that changes nothing of what it is told to send."""
    connection = http.client.HTTPConnection(urlsplit(bossdb.url).netloc, timeout=30)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    """Send a request as intern does, and return what is answered."""
    headers = {**JSON, "Authorization": f"Token {TOKEN}"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/{CHANNEL}",
        f"/v1/{CHANNEL}/",
        f"/v1//{CHANNEL}//",
        f"//latest/{CHANNEL.replace('/', '//')}",
        f"/latest/{CHANNEL}/?",
    ],
)
def test_slashes_are_never_redirected(raw: http.client.HTTPConnection, path: str) -> None:
    status, said = ask(raw, "GET", path)
    assert (status, json.loads(said)["name"]) == (200, "em")


@pytest.mark.parametrize(
    "path", [f"/v1/{CHANNEL}", f"/v1/cutout/lab/brain/em/{BOX}/", "/v1/coord/"]
)
@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_bodies_that_nobody_reads(
    raw: http.client.HTTPConnection, path: str, body: bytes | None
) -> None:
    # The second is on the same connection: the body of the first must be out of its way.
    for _ in range(2):
        status, _ = ask(raw, "GET", path, body)
        assert status == 200


@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_changes_whose_words_are_all_in_the_address(
    raw: http.client.HTTPConnection, body: bytes | None
) -> None:
    place = "/v1/meta/lab/brain/em/"
    for method, query, done in [
        ("POST", "key=of&value=a", 201),
        ("PUT", "key=of&value=b", 200),
        ("DELETE", "key=of", 204),
    ]:
        assert ask(raw, method, f"{place}?{query}", body)[0] == done
    assert ask(raw, "GET", place) == (200, b'{"keys":[]}')


@pytest.mark.parametrize("spans", ["0/3:9/2:7/3:5", "0/3%3A9/2%3A7/3%3a5"])
def test_colons_are_raw_or_quoted(
    bossdb: Served, raw: http.client.HTTPConnection, spans: str
) -> None:
    status, body = ask(raw, "GET", f"/v1/cutout/lab/brain/em/{spans}/")
    assert status == 200
    got = np.frombuffer(blosc_decode(body), "uint8").reshape(2, 5, 6)
    np.testing.assert_array_equal(got, bossdb.voxels["lab/brain/em"][3:5, 2:7, 3:9])


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("a%20b", 400, 1003),
        ("%C3%BC", 400, 1003),
        ("_em", 400, 1003),
        ("%2e%2e", 400, 1003),
        ("em%2Ffew", 404, 4000),
        ("em?x=1", 400, 1003),
    ],
)
def test_names_that_no_place_has(web: httpx2.Client, name: str, status: int, code: int) -> None:
    answer = web.get(f"/v1/collection/lab/experiment/brain/channel/{name}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("scheme", ["Token", "token", "Bearer", "bearer"])
def test_a_credential_by_either_scheme(nobody: httpx2.Client, scheme: str) -> None:
    path = "/v1/collection/lab/experiment/brain/channel/secret"
    answer = nobody.get(path, headers={"Authorization": f"{scheme} {TOKEN}"})
    assert (answer.status_code, answer.json()["name"]) == (200, "secret")
    wrong = nobody.get("/v1/coord", headers={"Authorization": f"{scheme} {TOKEN}x"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, 3004)


@pytest.mark.parametrize("token", ["public", None])
def test_everybody_asks_by_the_token_public_or_by_none(
    nobody: httpx2.Client, token: str | None
) -> None:
    headers = {} if token is None else {"Authorization": f"Token {token}"}
    assert nobody.get(f"/v1/{CHANNEL}", headers=headers).status_code == 200
    hidden = nobody.get(f"/v1/{CHANNEL.replace('em', 'secret')}", headers=headers)
    assert (hidden.status_code, hidden.json()["code"]) == (401, 3004)
    refused = nobody.post("/v1/meta/lab/brain/em/?key=a&value=b", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, 3004)
