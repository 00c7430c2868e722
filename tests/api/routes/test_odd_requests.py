"""Requests of other ways than the client's: HEAD, odd hosts, parameters that there are not."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import obstore
import pytest
from tests.api.conftest import TOKEN, Served

from voxlake.api.http.layers.field_lines import joined
from voxlake.client.arrays.gateway_store import open_http
from voxlake.client.http.connection import Connection

if TYPE_CHECKING:
    import httpx2

EM = "/v2/datasets/lab/brain/em"
CELLS = "/v2/datasets/lab/brain/cells"
BOOLEAN = "fsck.quick: Input should be a valid boolean"


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/openapi.json", "/v2/datasets", EM, f"{EM}/cutout?z=0:4", f"{EM}/neuroglancer",
     "/view/lab/brain/em", f"{CELLS}/labels?z=0:4", f"{CELLS}/labels/1/sparse-volume", f"{EM}/no",
     "/v2/datasets/lab/brain/secret", "/neuroglancer"],
)  # fmt: skip
def test_head_is_answered_as_get_is(anonymous: httpx2.Client, path: str) -> None:
    head, get = (anonymous.request(m, path, follow_redirects=False) for m in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (get.status_code, b"")
    varying = {"date", "x-request-id", "transfer-encoding", "content-length"}
    assert {*head.headers} - varying == {*get.headers} - varying
    assert head.status_code != 405


@pytest.mark.parametrize(
    "question",
    [f"{EM}?idnex=true", f"{EM}/cutout?Z=0:4", f"{EM}/cutout?level=0&level=1", "/v2/datasets?q=em",
     f"{CELLS}/labels?z=0&z=1", f"{CELLS}/labels/top?n=1&count=1", f"{CELLS}/objects?page=2",
     "/healthz?verbose=1", f"{CELLS}/mapping?bodies=true", "/login?once=a&once=b",
     "/zarr/lab/brain/cells/0/zarr.json?bodies=true", "/zarr/lab/brain/em/?list-type=2",
     "/zarr/lab/brain/em/0/c/0/0/0?level=1", "/zarr/lab/brain/em?x"],
)  # fmt: skip
def test_parameters_that_there_are_not_are_refused(anonymous: httpx2.Client, question: str) -> None:
    answer = anonymous.get(question)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:voxlake:error:invalid-input"
    assert anonymous.head(question).status_code == 400
    # Whether there is such a dataset, they do not tell.
    hidden = question.replace("/em", "/secret").replace("/cells", "/draft")
    assert hidden == question or anonymous.get(hidden).status_code == 401


@pytest.mark.parametrize("path", [EM, "/healthz", "/", "/zarr/lab/brain/em/zarr.json", f"{EM}/no"])
def test_an_address_with_a_line_end_leads_nowhere(
    anonymous: httpx2.Client, owner: httpx2.Client, path: str
) -> None:
    assert owner.get(f"{path}%0A").status_code == 404
    assert owner.head(f"{path}%0A").status_code == 404
    assert anonymous.get(f"{path}%0A").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "status", "size"),
    [
        ("bytes=0-" + "9" * 30, 206, 100),
        ("bytes=-" + "9" * 5000, 206, 100),
        ("bytes=" + "0" * 5000 + "1-2", 206, 2),
        ("bytes=" + "9" * 5000 + "-", 416, None),
        ("Bytes=1-2", 206, 2),
        ("BYTES=-3", 206, 3),
        ("bytes=\u00b2-3", 200, 100),
        ("bytes=5-2", 200, 100),
    ],
)
def test_ranges_of_any_number_and_in_any_letters(
    served: Served, anonymous: httpx2.Client, wanted: str, status: int, size: int | None
) -> None:
    stored = bytes(range(100))
    (served.lake / "lab/brain/em.ome.zarr/0/c/odd").path.write_bytes(stored)
    header = {b"Range": wanted.encode("latin-1")}
    answer = anonymous.get("/zarr/lab/brain/em/0/c/odd", headers=header)
    assert answer.status_code == status
    assert size is None or len(answer.content) == size


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "gzip, identity", "no-such"])
def test_a_body_that_is_encoded_is_told_so(owner: httpx2.Client, coding: str) -> None:
    answer = owner.post(
        f"{CELLS}/merges", json={"labels": ["1", "2"]}, headers={"Content-Encoding": coding}
    )
    assert answer.status_code == 400
    assert "send it as it is" in answer.json()["detail"]


@pytest.mark.parametrize(
    "sent",
    ["[true]", "[3.0]", "[9007199254740993.0]", "[1e3]", '["3.0"]', '[" 3"]', '["+3"]', '["1_0"]',
     '["\u0663"]', "[-1]", "[18446744073709551616]", '["18446744073709551616"]', "[null]"],
)  # fmt: skip
def test_an_id_is_a_whole_number_or_its_digits(anonymous: httpx2.Client, sent: str) -> None:
    body = f'{{"labels": {sent}}}'.encode()
    answer = anonymous.post(f"{CELLS}/labels/lookup", content=body)
    assert answer.status_code == 400
    assert "(labels.0: Input should be a whole number from 1 to 184" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        (f"{CELLS}/labels/reserve", '{"count": true}', "count: Input should be a whole number"),
        ("/v2/datasets/lab/brain/odd", '{"kind": "image", "levels": "2"}', "levels: Input should"),
        ("/v2/jobs", '{"kind": "fsck", "dataset": "lab/brain/em", "quick": "no"}', BOOLEAN),
        ("/v2/jobs", '{"kind": "fsck", "dataset": "lab/brain/em", "quick": 1}', BOOLEAN),
        ("/v2/jobs", '{"kind": "mend", "dataset": "lab/brain/em"}', "body: Input tag 'mend'"),
        ("/v2/tokens", '{"name": "x", "ends_at": 1893456000}', "ends_at: Input should be a valid"),
    ],
)
def test_what_is_of_another_type_is_refused(
    owner: httpx2.Client, path: str, body: str, wrong: str
) -> None:
    answer = owner.post(path, content=body.encode())
    assert answer.status_code == 400, answer.text
    assert f"({wrong}" in answer.json()["detail"]


def test_nothing_is_said_twice(owner: httpx2.Client) -> None:
    place = "/v2/metadata/value?place=lab&key=twice"
    for method, path, body in (
        ("POST", f"{CELLS}/labels/lookup", b'{"labels": [1], "labels": [2]}'),
        ("PUT", place, b'{"value": "a", "value": "b"}'),
    ):
        answer = owner.request(method, path, content=body)
        assert (answer.status_code, "was given twice" in answer.json()["detail"]) == (400, True)
    assert owner.get(place).status_code == 404


def test_a_header_in_several_lines_is_one_list(
    anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    def ask(client: httpx2.Client, path: str, *lines: tuple[str, str]) -> httpx2.Response:
        return client.get(path, headers=lines)

    document, box = "/zarr/lab/brain/em/zarr.json", f"{EM}/cutout?z=0&y=0&x=0"
    etag = anonymous.get(document).headers["etag"]
    for name, status in (("If-None-Match", 304), ("If-Match", 200)):
        assert ask(anonymous, document, (name, '"x"'), (name, etag)).status_code == status
    ranges = ask(anonymous, document, ("Range", "bytes=0-3"), ("Range", "bytes=8-9"))
    assert ranges.status_code == 200
    npy = ask(anonymous, box, ("Accept", "text/html"), ("Accept", "application/x-npy"))
    assert npy.headers["content-type"] == "application/x-npy"
    digests = [("Content-Digest", f"{name}=:AAAA:") for name in ("md5", "sha-256")]
    sent = [("Content-Type", "application/octet-stream"), *digests]
    answer = owner.put(box, content=b"\0", headers=sent)
    assert (answer.status_code, "another sha-256" in answer.json()["detail"]) == (400, True)
    twice = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
    assert ask(anonymous, "/v2/me", *twice).status_code == 401
    assert joined([(b"cookie", b"a=1"), (b"cookie", b"b=2")]) == [(b"cookie", b"a=1; b=2")]


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "Content-Range"])
def test_a_change_on_a_condition_is_not_made_without(owner: httpx2.Client, name: str) -> None:
    place = "/v2/metadata/value?place=lab&key=odd"
    for method in ("PUT", "DELETE"):
        body = b'{"value": "written"}' if method == "PUT" else b""
        answer = owner.request(method, place, content=body, headers={name: "*"})
        assert (answer.status_code, name in answer.json()["detail"]) == (400, True)
        assert owner.get(place).status_code == 404
    if name != "If-Match":
        box = f"{EM}/cutout?z=0&y=0&x=0&fill=9"
        assert owner.put(box, headers={name: "*"}).status_code == 400


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(served: Served) -> None:
    port = int(served.url.rpartition(":")[2])
    head = (
        f"POST {CELLS}/merges HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).split()[1] == b"413"


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1.2.3:80", "[::1]:1", "localhost:9"])
def test_every_loopback_address_is_this_server(anonymous: httpx2.Client, host: str) -> None:
    assert anonymous.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1.example.org", "10.0.0.1", "0.0.0.0", "evil", "[::2]"])
def test_no_other_host_is(anonymous: httpx2.Client, host: str) -> None:
    assert anonymous.get("/healthz", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_is_asked_for_what_is_on_this_machine(
    served: Served, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(60)

        def listen() -> None:
            try:
                connection, _ = proxy.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(1 << 16))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        connection = Connection(served.url, TOKEN)
        assert connection.send(EM).status_code == 200
        connection.close()
        store = open_http(served.zarr("lab/brain/em").rstrip("/"), TOKEN)
        assert json.loads(bytes(obstore.get(store, "zarr.json").bytes()))["node_type"] == "group"
        proxy.shutdown(socket.SHUT_RDWR)
        thread.join(60)
    assert not seen
