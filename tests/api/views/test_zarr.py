"""Stored bytes over HTTP: ranges, conditions and keys, against the files themselves."""

from __future__ import annotations

import itertools
import json
import re
import socket
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import zarr
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.api.conftest import TOKEN, Served
from tests.readers.zarrita import as_zarrita, read_by_zarrita

from voxlake.api.data.stored.objects import BLOCK
from voxlake.ngff.dataset import open_dataset
from voxlake.platform import store

if TYPE_CHECKING:
    import httpx2

    from voxlake.platform.store import StoreURL

SHARD = "0/c/0/0/0"
EM = "lab/brain/em"


def shard_file(served: Served, key: str = SHARD) -> Path:
    """Return the file behind a key of the public image."""
    return (served.lake / "lab/brain/em.ome.zarr" / key).path


@given(
    first=st.none() | st.integers(0, 50_000),
    last=st.none() | st.integers(0, 50_000),
    method=st.sampled_from(["GET", "GET", "HEAD"]),
)
@example(first=None, last=0, method="GET")
@example(first=0, last=0, method="GET")
@settings(max_examples=150)
def test_any_range_equals_the_file(
    served: Served, anonymous: httpx2.Client, first: int | None, last: int | None, method: str
) -> None:
    body = shard_file(served).read_bytes()
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = anonymous.request(method, f"/zarr/{EM}/{SHARD}", headers={"Range": header})
    malformed = (first is None and last is None) or (
        first is not None and last is not None and last < first
    )
    if method == "HEAD" or malformed:
        assert answer.status_code == 200
        assert answer.headers["content-length"] == str(len(body))
        assert answer.content == (b"" if method == "HEAD" else body)
        return
    start, stop = (
        (max(0, len(body) - (last or 0)), len(body))
        if first is None
        else (first, len(body) if last is None else min(len(body), last + 1))
    )
    if start >= stop:
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{len(body)}"
        return
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(body)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.content == body[start:stop]


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "items=0-5", "bytes=a-b", "bytes", "bytes=1"])
def test_ranges_of_another_kind_are_ignored(
    served: Served, anonymous: httpx2.Client, header: str
) -> None:
    answer = anonymous.get(f"/zarr/{EM}/{SHARD}", headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, shard_file(served).read_bytes())


def test_a_large_object_comes_in_blocks(served: Served, anonymous: httpx2.Client) -> None:
    body = bytes(range(256)) * (3 * BLOCK // 256) + b"end"
    store.write(served.lake / "lab/brain/em.ome.zarr/large", body)
    assert anonymous.get(f"/zarr/{EM}/large").content == body
    part = anonymous.get(f"/zarr/{EM}/large", headers={"Range": f"bytes=5-{2 * BLOCK + 9}"})
    assert part.content == body[5 : 2 * BLOCK + 10]


def test_clients_that_leave_a_large_object_leave_no_open_file_and_no_memory(served: Served) -> None:
    store.write(served.lake / "lab/brain/em.ome.zarr/large", bytes(16 * BLOCK))
    target = (served.lake / "lab/brain/em.ome.zarr/large").path
    host, port = served.url.removeprefix("http://").split(":")
    answers = served.app.state.gateway.answers
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"GET /zarr/{EM}/large HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            connection.recv(1000)
            assert answers.used_bytes >= BLOCK
    deadline = time.monotonic() + 60
    while answers.used_bytes or any(
        link.resolve() == target for link in Path("/proc/self/fd").iterdir()
    ):
        assert time.monotonic() < deadline, "the file is still open, or a block is counted"
        time.sleep(0.02)


def test_an_empty_object_is_empty(served: Served, anonymous: httpx2.Client) -> None:
    store.write(served.lake / "lab/brain/em.ome.zarr/empty", b"")
    answer = anonymous.get(f"/zarr/{EM}/empty")
    assert (answer.status_code, answer.content) == (200, b"")
    assert anonymous.get(f"/zarr/{EM}/empty", headers={"Range": "bytes=0-0"}).status_code == 416


def test_the_etag_is_the_stores_and_answers_304(served: Served, anonymous: httpx2.Client) -> None:
    url = f"/zarr/{EM}/{SHARD}"
    etag = anonymous.get(url).headers["etag"]
    assert etag == store.head(served.lake / "lab/brain/em.ome.zarr" / SHARD).etag
    assert anonymous.head(url).headers["etag"] == etag
    for header in (etag, f'"other", W/{etag}', "*"):
        for method in ("GET", "HEAD"):
            answer = anonymous.request(method, url, headers={"If-None-Match": header})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == etag
    assert anonymous.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert anonymous.get(url, headers={"If-Match": '"other"'}).status_code == 412
    assert anonymous.get(url, headers={"If-Match": etag}).status_code == 200


@pytest.mark.parametrize(("if_range", "status"), [(None, 206), ("etag", 206), ('"other"', 200)])
def test_a_range_of_another_version_is_the_whole_object(
    anonymous: httpx2.Client, if_range: str | None, status: int
) -> None:
    url = f"/zarr/{EM}/{SHARD}"
    sent = {"Range": "bytes=0-9"}
    if if_range is not None:
        sent["If-Range"] = anonymous.get(url).headers["etag"] if if_range == "etag" else if_range
    assert anonymous.get(url, headers=sent).status_code == status


def test_a_rewritten_object_has_another_etag(served: Served, anonymous: httpx2.Client) -> None:
    url = served.lake / "lab/brain/em.ome.zarr/changing"
    store.write(url, b"one")
    first = anonymous.get(f"/zarr/{EM}/changing").headers["etag"]
    store.write(url, b"two")
    answer = anonymous.get(f"/zarr/{EM}/changing", headers={"If-None-Match": first})
    url.path.unlink()
    assert (answer.status_code, answer.content) == (200, b"two")


def test_what_is_not_there_is_404(anonymous: httpx2.Client) -> None:
    for key in ("0/c/9/9/9", "0", "0/zarr.json/x", "a" * 200 + "/b"):
        assert anonymous.get(f"/zarr/{EM}/{key}").status_code == 404, key


def test_no_link_is_followed(served: Served, anonymous: httpx2.Client, tmp_path: Path) -> None:
    group = (served.lake / "lab/brain/em.ome.zarr").path
    (tmp_path / "secret").write_bytes(b"secret")
    links = {
        "out": tmp_path,
        "0/c/0/0/file": tmp_path / "secret",
        "relative": Path("../secret.ome.zarr"),
        "inside": group / "labels/draft",
        "loop": group / "loop",
        "dangling": tmp_path / "nothing",
    }
    for key, target in links.items():
        (group / key).symlink_to(target)
    keys = [*links, "out/secret", "relative/zarr.json", "inside/0/zarr.json", "out/", "inside/"]
    try:
        for key, method in itertools.product(keys, ("GET", "HEAD")):
            # Not 404, which of a chunk means that it is fill.
            answer = anonymous.request(method, f"/zarr/{EM}/{key}")
            assert answer.status_code == 403, key
            assert b"secret" not in answer.content.replace(key.encode(), b"")
        assert anonymous.get(f"/zarr/{EM}/out").json()["type"] == "urn:voxlake:error:store-link"
    finally:
        for key in links:
            (group / key).unlink()


def test_voxels_behind_a_link_are_refused_and_not_fill(
    served: Served, anonymous: httpx2.Client, tmp_path: Path
) -> None:
    address = "/v2/datasets/lab/brain"
    level = (served.lake / "lab/brain/em.ome.zarr/labels/cells/0").path
    asked = (f"{address}/cells/cutout", f"{address}/cells/labels?counts=true")
    for key in ("c/1", "c/0/1/0"):
        (level / key).rename(tmp_path / "elsewhere")
        (level / key).symlink_to(tmp_path / "elsewhere")
        try:
            for question in asked:
                answer = anonymous.get(question)
                assert answer.status_code == 403, question
                assert key in answer.json()["detail"]
            assert anonymous.get(f"{address}/cells/cutout?z=0:8&y=0:8&x=0:8").status_code == 200
        finally:
            (level / key).unlink()
            (tmp_path / "elsewhere").rename(level / key)


def test_only_reading_is_possible(anonymous: httpx2.Client) -> None:
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        answer = anonymous.request(method, f"/zarr/{EM}/zarr.json")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_caches_are_told_what_they_may_keep(anonymous: httpx2.Client, owner: httpx2.Client) -> None:
    assert anonymous.get(f"/zarr/{EM}/zarr.json").headers["cache-control"] == "public, no-cache"
    private = owner.get("/zarr/lab/brain/secret/zarr.json")
    assert private.headers["cache-control"] == "private, no-cache"
    assert private.headers["vary"] == "Authorization, Cookie"


TRICKS = [
    "../canary",
    "..%2fcanary",
    "%2e%2e/canary",
    "%2e%2e%2fcanary",
    "%252e%252e%252fcanary",
    "..%5ccanary",
    "..\\canary",
    "0/../../canary",
    "0/%2e%2e/%2e%2e/canary",
    "0//../../canary",
    "./zarr.json",
    "0/./zarr.json",
    "0//zarr.json",
    "/zarr.json",
    "%2fetc/passwd",
    "zarr.json%00",
    "zarr.json%00.txt",
    "..;/canary",
    "0/c/..%c0%af../canary",
    "%c0%ae%c0%ae/canary",
    "\uff0e\uff0e/canary",
    "../.voxlake/catalog.sqlite",
    "../../../.voxlake/catalog.sqlite",
    ".voxlake/catalog.sqlite",
    "labels/../../canary",
    "labels/cells/../../../canary",
    "labels/cells/%2e%2e/%2e%2e/%2e%2e/canary",
    "labels/..%2f..%2fcanary/x",
    "~/canary",
    "file:///etc/passwd",
]
PARTS = ["..", ".", "", "canary", "%2e%2e", "0", "~", "\\..\\", "%2f", "labels", "cells", "%5c"]
PARTS += ["%00", "..%00"]
CANARY = b"the canary"


@pytest.fixture
def canary(served: Served) -> None:
    """Put a secret in every folder from the dataset's parent to the one above the lake."""
    folder = served.lake.path / "lab/brain"
    while folder != served.lake.path.parent.parent:
        (folder / "canary").write_bytes(CANARY)
        folder = folder.parent


def raw_get(served: Served, path: str) -> tuple[int, bytes]:
    """Send a path as it is, as the owner; clients would clean it first."""
    host, port = served.url.removeprefix("http://").split(":")
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    status, _, body = answer.partition(b" ")[2].partition(b" ")
    return int(status), body


@pytest.mark.usefixtures("canary")
@pytest.mark.parametrize("key", TRICKS)
def test_no_trick_leads_out_of_the_dataset(served: Served, key: str) -> None:
    for start in (f"/zarr/{EM}/", "/zarr/lab/brain/", "/zarr/", "/neuroglancer/", "/"):
        status, body = raw_get(served, start + key)
        assert CANARY not in body, start
        assert status in {400, 404}, start


@pytest.mark.usefixtures("canary")
@given(key=st.lists(st.sampled_from(PARTS), max_size=8))
@settings(max_examples=200)
def test_no_random_key_leads_out_of_the_dataset(served: Served, key: list[str]) -> None:
    status, body = raw_get(served, f"/zarr/{EM}/" + "/".join(key))
    assert CANARY not in body
    # What is there is a folder of the dataset, and the canary is in none.
    assert status in {400, 404} or (status == 200 and b"canary" not in body)


@pytest.mark.usefixtures("canary")
def test_a_folder_lists_what_may_be_asked_for(
    served: Served, anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    def listed(client: httpx2.Client, path: str) -> list[str]:
        answer = client.get(f"/zarr/{path}")
        assert answer.headers["content-type"].startswith("text/html")
        return re.findall('href="([^"]+)"', answer.text)

    (served.lake / "lab/brain/em.ome.zarr").path.joinpath(".hidden").touch()
    assert {"zarr.json", "0/", "1/", "labels/"} <= set(listed(anonymous, f"{EM}/"))
    assert ".hidden" not in listed(owner, f"{EM}/")
    assert listed(anonymous, f"{EM}/0/") == ["c/", "zarr.json"]
    assert listed(anonymous, f"{EM}/labels/") == ["cells/", "zarr.json"]
    assert listed(owner, f"{EM}/labels/") == ["cells/", "draft/", "zarr.json"]
    assert listed(owner, f"{EM}/labels/draft/") == listed(owner, "lab/brain/draft/")
    assert anonymous.get(f"/zarr/{EM}/labels/draft/").status_code == 401
    assert anonymous.get("/zarr/lab/brain/secret/").status_code == 401
    assert owner.get(f"/zarr/{EM}/none/").status_code == 404
    assert owner.get("/zarr/lab/brain/").status_code == 404


@given(key=st.text(max_size=40))
@settings(max_examples=200)
def test_any_text_as_a_key_is_answered_cleanly(owner: httpx2.Client, key: str) -> None:
    assume(not {".", ".."} & set(key.split("/")))  # which the client leaves out of the address
    answer = owner.get(f"/zarr/{EM}/x{quote(key)}")
    assert answer.status_code in {400, 404}
    assert answer.headers["content-type"] == "application/problem+json"


def test_labels_are_listed_to_those_who_may_see_them(
    anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    def listed(client: httpx2.Client) -> list[str]:
        ome = client.get(f"/zarr/{EM}/labels/zarr.json").json()["attributes"]["ome"]
        return sorted(ome["labels"])

    assert listed(anonymous) == ["cells"]
    assert listed(owner) == ["cells", "draft"]
    head = anonymous.head(f"/zarr/{EM}/labels/zarr.json")
    assert int(head.headers["content-length"]) == len(
        anonymous.get(f"/zarr/{EM}/labels/zarr.json").content
    )


def test_consolidated_metadata_tell_of_labels_to_those_who_may_see_them(
    served: Served, anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    group = (served.lake / "lab/brain/em.ome.zarr").path
    kept = {path: path.read_bytes() for path in (group / "zarr.json", group / "labels/zarr.json")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(str(group / "labels"), zarr_format=3)
            zarr.consolidate_metadata(str(group), zarr_format=3)
        v2 = {"metadata": {"labels/draft/0/.zarray": {}, "labels/.zattrs": {"labels": ["draft"]}}}
        (group / ".zmetadata").write_text(json.dumps(v2))
        for key in ("zarr.json", "labels/zarr.json", ".zmetadata"):
            for headers in ({}, {"Range": "bytes=0-9999"}):
                seen = anonymous.get(f"/zarr/{EM}/{key}", headers=headers)
                assert b"draft" not in seen.content, key
                assert seen.headers["cache-control"] == "no-store"
                assert owner.get(f"/zarr/{EM}/{key}").json() == json.loads(
                    (group / key).read_bytes()
                )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root = zarr.open_consolidated(served.zarr(EM), zarr_format=3)
        assert {"0", "1", "labels", "labels/cells/0"} <= {name for name, _ in root.members(None)}
    finally:
        (group / ".zmetadata").unlink(missing_ok=True)
        for path, body in kept.items():
            path.write_bytes(body)


@pytest.mark.parametrize(
    ("method", "wanted", "expected"),
    [
        ("GET", "", (200, slice(None))),
        ("GET", "bytes=3-20", (206, slice(3, 21))),
        ("GET", "bytes=-7", (206, slice(-7, None))),
        ("HEAD", "bytes=3-20", (200, slice(0, 0))),
    ],
)
def test_the_metadata_of_an_image_are_read_once(
    served: Served,
    anonymous: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    wanted: str,
    expected: tuple[int, slice],
) -> None:
    opened, open_ranges = list[str](), store.open_ranges

    def noting(url: StoreURL) -> store.RangeReader:
        opened.append(url.key)
        return open_ranges(url)

    monkeypatch.setattr(store, "open_ranges", noting)
    url = served.lake / "lab/brain/em.ome.zarr/zarr.json"
    answer = anonymous.request(method, f"/zarr/{EM}/zarr.json", headers={"Range": wanted})
    assert opened == [url.key]
    assert (answer.status_code, answer.content) == (expected[0], store.read(url).body[expected[1]])
    for name, status in (("If-None-Match", 304), ("If-Match", 200)):
        headers = {name: answer.headers["etag"]}
        assert anonymous.get(f"/zarr/{EM}/zarr.json", headers=headers).status_code == status


def test_a_dataset_is_a_folder_whose_address_ends_with_a_slash(
    anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    for method in ("GET", "HEAD"):
        for client, name, status in (
            (anonymous, EM, 404), (anonymous, "lab/brain/secret", 401), (owner, EM, 404),
            (anonymous, "lab/brain/nothing", 401), (anonymous, f"{EM}/labels", 404),
        ):  # fmt: skip
            assert client.request(method, f"/zarr/{name}").status_code == status, name


def test_labels_below_an_image_have_their_own_permissions(
    served: Served, anonymous: httpx2.Client, owner: httpx2.Client
) -> None:
    for key in ("zarr.json", "0/zarr.json", "0/c/0/0/0"):
        path = f"/zarr/{EM}/labels/draft/{key}"
        assert anonymous.get(path).status_code == 401
        assert owner.get(path).status_code == 200
        seen = anonymous.get(f"/zarr/{EM}/labels/cells/{key}").content
        assert seen == anonymous.get(f"/zarr/lab/brain/cells/{key}").content
    # Labels of nobody, or of another image, are not there.
    assert owner.get(f"/zarr/{EM}/labels/alone/zarr.json").status_code == 404
    assert owner.get("/zarr/lab/brain/secret/labels/cells/zarr.json").status_code == 404


def test_zarrita_reads_every_level_over_http(served: Served) -> None:
    """What vizarr, Viv, Vitessce and itk-vtk read with."""
    public = ["lab/brain/em", "lab/light/dyes"]
    addresses = {served.zarr(name)[:-1]: served.lake / f"{name}.ome.zarr" for name in public}
    labels = served.zarr("lab/brain/em", "labels/cells")
    addresses[labels] = served.lake / "lab/brain/em.ome.zarr/labels/cells"
    private = served.zarr("lab/brain/em", "labels/draft")
    hidden = {private: served.lake / "lab/brain/em.ome.zarr/labels/draft"}
    for wanted, token in ((addresses, "-"), (hidden, TOKEN)):
        found = read_by_zarrita(list(wanted), token)
        for address, url in wanted.items():
            dataset = open_dataset(url)
            volumes = map(dataset.level, range(dataset.levels))
            levels = [volume.read(volume.box).result() for volume in volumes]
            assert found[address] == as_zarrita(levels)
    assert found[private][0]["type"] == "BigUint64Array"
