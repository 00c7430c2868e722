"""Voxels that are written over HTTP: whole, durable, indexed, and seen in every format."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.formats.parsing.bodies import encoded
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.api.v2.labels.indexed import check_index

from voxlake.api.app import create_app
from voxlake.api.formats.parsing import PARSERS
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import DatasetState, open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2
    import numpy.typing as npt

SHAPE = (45, 67, 71)
BOX = "z=3:20&y=30:50&x=5:40"
SLICES = np.s_[3:20, 30:50, 5:40]
EM, CELLS, DYES = "lab/brain/em", "lab/brain/cells", "lab/light/dyes"
IN_ONE_SHARD, PART = "z=1:9&y=2:10&x=3:11", np.s_[1:9, 2:10, 3:11]
VAST = "lab/types/vast"
DTYPES = ("uint8", "uint16", "int16", "uint32", "uint64", "float32", "float64")
RAW = {"Content-Type": "application/octet-stream"}
LIMIT_BYTES = 4 << 20


@contextmanager
def serving(lake: StoreURL, folder: Path, samples: list[Sample]) -> Iterator[Served]:
    """Serve a lake that holds what is to be written to."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/catalog.sqlite", cutout_limit_bytes=LIMIT_BYTES
    )
    with open_catalog(lake, settings) as catalog:
        for sample in samples:
            add_sample(lake, catalog, sample)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, catalog, identity)
        voxels = {sample.name: sample.voxels.copy() for sample in samples}
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, voxels)


@pytest.fixture(params=["file", "s3"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A gateway of a lake in a folder, and of one on S3."""
    lake = request.getfixturevalue({"file": "lake", "s3": "s3_store"}[request.param])
    samples = [
        Sample(EM, image_voxels(SHAPE), public=True),
        Sample(CELLS, label_voxels(SHAPE), Kind.LABELS, of="em"),
        Sample(DYES, image_voxels((2, 3, 20, 33, 37), 4, "uint16"), axes=tuple("tczyx")),
    ]
    with serving(lake, tmp_path, samples) as served:
        yield served


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway of an image of each type of voxels."""
    folder = tmp_path_factory.mktemp("typed")
    samples = [
        Sample(f"lab/types/{dtype}", np.zeros((20, 21, 22), dtype), levels=1) for dtype in DTYPES
    ]
    nothing = np.zeros((1, 1, 1), np.uint8)
    samples.append(Sample(VAST, nothing, levels=1, shape=(4096, 400, 400)))
    with serving(StoreURL.parse(str(folder / "lake")), folder, samples) as served:
        yield served


def url_of(name: str, query: str) -> str:
    """Return the address of a cutout."""
    return f"/v2/datasets/{name}/cutout?{query}"


def read(client: httpx2.Client, name: str, query: str = "") -> npt.NDArray[Any]:
    """Return the voxels of a cutout."""
    answer = client.get(url_of(name, f"{query}&format=npy"))
    assert answer.status_code == 200, answer.text
    voxels: npt.NDArray[Any] = np.load(io.BytesIO(answer.content))
    return voxels


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("parser", PARSERS, ids=lambda each: each.name)
def test_what_is_written_in_any_format_is_read_in_it(
    typed: Served, parser: Any, dtype: str
) -> None:
    name, box = f"lab/types/{dtype}", "z=1:18&y=2:20&x=0:22"
    rng = np.random.default_rng(len(dtype) + len(parser.name))
    voxels = rng.integers(0, 200, (17, 18, 22)).astype(dtype)
    sent = {"Content-Type": parser.media_type}
    with typed.client(owner=True) as client:
        done = client.put(url_of(name, box), content=encoded(parser.name, voxels, 1), headers=sent)
        assert done.status_code == 200, done.text
        np.testing.assert_array_equal(read(client, name, box), voxels)
        same = client.get(url_of(name, f"{box}&format={parser.name}")).content
        again = client.put(url_of(name, box), content=same, headers=sent)
        assert again.json() == done.json()


def test_what_is_written_is_behind_until_its_levels_are_made(gateway: Served) -> None:
    with gateway.client(owner=True) as client:
        for name in (EM, CELLS):
            assert client.get(f"/v2/datasets/{name}").json()["stale"] is None
            voxels = gateway.voxels[name][SLICES]
            answer = client.put(url_of(name, BOX), content=voxels.tobytes(), headers=RAW)
            assert answer.status_code == 200
            stale = client.get(f"/v2/datasets/{name}").json()["stale"]
            assert voxels.size <= stale["voxels"] <= gateway.voxels[name].size
            assert stale["boxes"] >= 1
            assert datetime.fromisoformat(stale["since"]) <= datetime.now(UTC)


def test_images_and_labels_with_all_axes(gateway: Served) -> None:
    with gateway.client(owner=True) as client:
        for name, query, where in (
            (EM, BOX, SLICES),
            (CELLS, BOX, SLICES),
            (DYES, "t=1&c=0:2&z=3:9&x=5:", np.s_[1:2, 0:2, 3:9, :, 5:]),
        ):
            voxels = gateway.voxels[name]
            part = np.full_like(voxels[where], 77)
            part[..., ::3] = 0
            done = client.put(url_of(name, query), content=part.tobytes(), headers=RAW)
            assert done.status_code == 200, done.text
            voxels[where] = part
            np.testing.assert_array_equal(read(client, name), voxels)
            keep = client.put(
                url_of(name, f"{query}&merge=keep"), content=(part // 7).tobytes(), headers=RAW
            )
            assert keep.status_code == 200, keep.text
            voxels[where] = np.where(part, part // 7, voxels[where])
            np.testing.assert_array_equal(read(client, name), voxels)
    check_index(gateway, CELLS)


def test_one_value_fills_a_box_and_erases_a_label(gateway: Served) -> None:
    with gateway.client(owner=True) as client:
        for value, query, where in (
            (2**64 - 2, BOX, SLICES),
            (0, "z=0:32&y=0:32&x=0:32", np.s_[:32, :32, :32]),
            (0, "", np.s_[:]),
        ):
            done = client.put(url_of(CELLS, f"{query}&fill={value}"))
            assert done.status_code == 200, done.text
            gateway.voxels[CELLS][where] = value
            np.testing.assert_array_equal(read(client, CELLS), gateway.voxels[CELLS])
            check_index(gateway, CELLS)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("uint8", "256"), ("uint8", "-1"), ("uint64", "1.5"), ("int16", "x"), ("float32", "1e39"),
     ("uint8", "1_0"), ("uint64", "\u0667"), ("float32", "1_0.5"), ("float32", "\u0667")],
)  # fmt: skip
def test_a_value_that_the_type_has_not_is_refused(typed: Served, dtype: str, fill: str) -> None:
    name = f"lab/types/{dtype}"
    with typed.client(owner=True) as client:
        before = client.get(url_of(name, "")).content
        answer = client.put(url_of(name, f"z=0:3&fill={fill}"))
        assert (answer.status_code, answer.json()["type"]) == (
            400,
            "urn:voxlake:error:invalid-input",
        )
        assert dtype in answer.json()["detail"]
        both = client.put(url_of(name, "z=0:3&fill=1"), content=b"1", headers=RAW)
        assert both.status_code == 400
        assert client.get(url_of(name, "")).content == before


def test_of_two_who_change_what_they_read_one_is_told(gateway: Served) -> None:
    for name, query, where in (
        (EM, IN_ONE_SHARD, PART),
        (CELLS, IN_ONE_SHARD, PART),
        (CELLS, BOX, SLICES),
    ):
        voxels = gateway.voxels[name]
        with gateway.client(owner=True) as client:
            etag = client.get(url_of(name, f"{query}&etag=true&format=npy")).headers["etag"]
            change = partial(fill_if, client, url_of(name, query), etag)
            with ThreadPoolExecutor(2) as pool:
                answers = dict(zip((11, 12), pool.map(change, (11, 12)), strict=True))
            won = {value for value, each in answers.items() if each.is_success}
            # Of several shards each may have been changed by another first.
            assert len(won) == 1 if where is PART else len(won) <= 1
            lost = next(each for each in answers.values() if not each.is_success)
            assert (lost.status_code, lost.json()["type"][-19:]) == (412, "precondition-failed")
            found = read(client, name, query)
            assert {*np.unique(found).tolist()} == won if won else {*np.unique(found)} <= {11, 12}
            voxels[where] = found
            np.testing.assert_array_equal(read(client, name), voxels)
            assert change(13).status_code == 412
    check_index(gateway, CELLS)


def fill_if(client: httpx2.Client, address: str, etag: str, value: int) -> httpx2.Response:
    """Fill a box if it has that ETag."""
    return client.put(f"{address}&fill={value}", headers={"If-Match": etag})


def test_an_etag_follows_the_shards_of_its_box(gateway: Served) -> None:
    with gateway.client(owner=True) as client:

        def etag(query: str = IN_ONE_SHARD) -> str:
            answer = client.get(url_of(EM, f"{query}&etag=true"))
            return str(answer.headers["etag"])

        first, elsewhere = etag(), etag("z=40:&y=60:&x=65:")
        assert client.get(url_of(EM, IN_ONE_SHARD)).headers.get("etag") is None
        assert etag(f"{IN_ONE_SHARD}&format=npy") != first  # of other bytes
        done = client.put(url_of(EM, f"{IN_ONE_SHARD}&fill=9"))
        assert etag() != first
        assert etag("z=40:&y=60:&x=65:") == elsewhere
        assert done.headers["etag"] == f'"{done.json()["etag"]}"'
        for known in (done.headers["etag"], etag(), f'"x", {etag()}', "*"):
            same = client.put(url_of(EM, f"{IN_ONE_SHARD}&fill=9"), headers={"If-Match": known})
            assert same.status_code == 200, same.text
        weak = client.put(url_of(EM, f"{IN_ONE_SHARD}&fill=9"), headers={"If-Match": f"W/{etag()}"})
        assert weak.status_code == 412


def test_voxels_that_a_client_has_are_not_sent_again(gateway: Served) -> None:
    for name in (EM, CELLS):
        address = url_of(name, f"{IN_ONE_SHARD}&format=npy")
        with gateway.client(owner=True) as client:
            first = client.get(f"{address}&etag=true")
            etag = first.headers["etag"]
            for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
                same = client.get(address, headers={"If-None-Match": known})
                assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
                assert same.headers["vary"] == first.headers["vary"]
                assert same.headers["cache-control"] == first.headers["cache-control"]
            assert client.get(address, headers={"If-Match": etag}).content == first.content
            fill_if(client, url_of(name, IN_ONE_SHARD), "*", 77)
            for method in ("GET", "HEAD"):
                other = client.request(method, address, headers={"If-None-Match": etag})
                assert (other.status_code, other.headers["etag"] != etag) == (200, True)
            refused = client.get(address, headers={"If-Match": etag})
            assert (refused.status_code, "If-Match" in refused.json()["detail"]) == (412, True)
            gateway.voxels[name][PART] = 77
            np.testing.assert_array_equal(read(client, name), gateway.voxels[name])


def digest_of(body: bytes, name: str = "sha256") -> str:
    """Return a digest as headers carry it."""
    return base64.b64encode(hashlib.new(name, body).digest()).decode()


def test_digests_are_checked_before_anything_is_written(gateway: Served) -> None:
    voxels = np.full_like(gateway.voxels[EM][PART], 5)
    body, address = voxels.tobytes(), url_of(EM, IN_ONE_SHARD)
    old = {
        "Content-MD5": digest_of(body, "md5"),
        "Digest": f"unixsum=30637, SHA-256={digest_of(body)}",
    }
    right = f"md5=:AAAA:, sha-256=:{digest_of(body)}:, sha-512=:{digest_of(body, 'sha512')}:"
    wrong = f"sha-256=:{digest_of(body)}:, sha-512=:{digest_of(body)}:"
    with gateway.client(owner=True) as client:
        for header in ("Content-Digest", "Repr-Digest"):
            for said in (wrong, "sha-256=abc", "sha-256=:A:", "sha-256"):
                answer = client.put(address, content=body, headers={**RAW, header: said})
                assert answer.status_code == 400, said
                np.testing.assert_array_equal(read(client, EM), gateway.voxels[EM])
        for header, said in old.items():
            answer = client.put(address, content=bytes(len(body)), headers={**RAW, header: said})
            assert (answer.status_code, "another" in answer.json()["detail"]) == (400, True)
            np.testing.assert_array_equal(read(client, EM), gateway.voxels[EM])
        headers = {**RAW, **old, "Content-Digest": right}
        assert client.put(address, content=body, headers=headers).status_code == 200
        np.testing.assert_array_equal(read(client, EM, IN_ONE_SHARD), voxels)


def test_what_does_not_fit_is_refused_and_nothing_is_written(gateway: Served) -> None:
    part = np.ones_like(gateway.voxels[EM][PART])
    npy, sent = encoded("npy", part), {"Content-Type": "application/x-npy"}
    cases: list[tuple[int, str, bytes, dict[str, str]]] = [
        (400, IN_ONE_SHARD, part.tobytes()[:-1], RAW),
        (400, IN_ONE_SHARD, part.tobytes() + b"1", RAW),
        (400, IN_ONE_SHARD, part.tobytes() + bytes(1 << 17), RAW),
        (400, IN_ONE_SHARD, b"", RAW),
        (400, IN_ONE_SHARD, npy[:-1], sent),
        (400, IN_ONE_SHARD, encoded("npy", part.astype("u2")), sent),
        (400, IN_ONE_SHARD, encoded("npy", part[:, :-1]), sent),
        (400, IN_ONE_SHARD, encoded("npy", np.array([{}], object)), sent),
        (400, IN_ONE_SHARD, npy, {**sent, "Content-Encoding": "gzip"}),
        (415, IN_ONE_SHARD, npy, {}),
        (415, IN_ONE_SHARD, npy, {"Content-Type": "application/x-pickle"}),
        (400, f"{IN_ONE_SHARD}&level=1", part.tobytes(), RAW),
        (400, f"{IN_ONE_SHARD}&merge=most", part.tobytes(), RAW),
        (400, "z=0:99", part.tobytes(), RAW),
        (400, "t=0", part.tobytes(), RAW),
    ]
    with gateway.client(owner=True) as client:
        for status, query, body, headers in cases:
            answer = client.put(url_of(EM, query), content=body, headers=headers)
            assert answer.status_code == status, (query, headers, answer.text)
        np.testing.assert_array_equal(read(client, EM), gateway.voxels[EM])
        assert client.put(url_of(EM, f"{IN_ONE_SHARD}&level=1&fill=1")).status_code == 400


def test_another_order_and_an_unknown_length_are_the_same_voxels(typed: Served) -> None:
    voxels = np.random.default_rng(8).integers(0, 9999, (3, 21, 22)).astype(">u2")
    parts = iter([encoded("npy", np.asfortranarray(voxels))])
    sent = {"Content-Type": "application/x-npy"}
    with typed.client(owner=True) as client:
        done = client.put(url_of("lab/types/uint16", "z=0:3"), content=parts, headers=sent)
        assert done.status_code == 200, done.text
        np.testing.assert_array_equal(read(client, "lab/types/uint16", "z=0:3"), voxels)


def test_a_box_above_the_limit_is_refused_before_it_is_read(typed: Served) -> None:
    settings = Settings(cutout_limit_bytes=1000)
    app = create_app(settings, typed.lake, typed.catalog, typed.identity)
    with run_app(app) as url, replace(typed, url=url).client(owner=True) as client:
        address = url_of("lab/types/uint8", "z=0:10&y=0:10&x=0:11")
        for answer in (client.put(address, headers=RAW), client.put(f"{address}&fill=1")):
            assert (answer.status_code, answer.json()["type"][-14:]) == (413, "limit-exceeded")


def test_memory_that_the_gateway_has_not_is_not_taken(typed: Served) -> None:
    settings = Settings(gateway_memory_bytes=64 << 20)
    app = create_app(settings, typed.lake, typed.catalog, typed.identity)
    with run_app(app) as url, replace(typed, url=url).client(owner=True) as client:
        box = url_of(VAST, "z=1:400&y=1:400&x=1:400")
        for answer in (client.put(box, headers=RAW), client.put(f"{box}&fill=1")):
            assert (answer.status_code, "bytes of memory" in answer.text) == (413, True)
        # A box of few voxels, but of large chunks all the same.
        rod = url_of(VAST, "z=:&y=5&x=5&fill=1")
        assert client.put(rod).status_code == 200
        assert app.state.gateway.answers.used_bytes == 0
        assert client.get(url_of(VAST, "z=4094:&y=5:7&x=5&format=raw")).content == b"\1\0\1\0"


def test_a_dataset_that_is_not_ready_or_not_ours_is_not_written(gateway: Served) -> None:
    name = gateway.catalog.list_datasets("lab")[0].name
    with gateway.client(owner=True) as client, gateway.client() as nobody:
        assert nobody.put(url_of(EM, f"{IN_ONE_SHARD}&fill=1")).status_code == 401
        for state in (DatasetState.INGESTING, DatasetState.FAILED):
            gateway.catalog.set_dataset_state(name, state)
            _eventually(client, url_of(str(name), "fill=1"), 409, state.value)
        gateway.catalog.set_dataset_state(name, DatasetState.REMOVING)
        _eventually(client, url_of(str(name), "fill=1"), 404, "being deleted")
        gateway.catalog.set_dataset_state(name, DatasetState.READY)


def _eventually(client: httpx2.Client, address: str, status: int, words: str) -> None:
    """Expect an answer once a change in the catalog is seen."""
    for _ in range(100):
        answer = client.put(address)
        if answer.status_code == status and words in answer.json()["detail"]:
            return
        time.sleep(0.05)
    raise AssertionError(answer.text)


def test_writers_of_one_shard_lose_nothing(gateway: Served) -> None:
    rng, voxels = np.random.default_rng(3), gateway.voxels[CELLS]
    boxes = [(z, y, x) for z in range(0, 32, 8) for y in range(0, 32, 8) for x in range(0, 64, 16)]

    def change(start: tuple[int, int, int]) -> int:
        z, y, x = start
        value = int(rng.integers(0, 5)) * (z + y + x)
        voxels[z : z + 8, y : y + 8, x : x + 16] = value
        query = f"z={z}:{z + 8}&y={y}:{y + 8}&x={x}:{x + 16}&fill={value}"
        return client.put(url_of(CELLS, query)).status_code

    with gateway.client(owner=True) as client, ThreadPoolExecutor(16) as pool:
        assert set(pool.map(change, boxes)) == {200}
        np.testing.assert_array_equal(read(client, CELLS), voxels)
    check_index(gateway, CELLS)
