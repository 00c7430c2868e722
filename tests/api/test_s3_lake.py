"""The gateway over a lake on a real S3 server: bytes, ranges, conditions, cutouts, labels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorstore as ts
import zarr
import zstandard
from anyio import to_thread
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.ngff.labels.queries.samples import brute_runs, decode_rles

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

SHAPE = (20, 40, 50)
EM, CELLS = "lab/brain/em", "lab/brain/cells"
SHARD = "0/c/0/0/0"
ALL = Box.of_shape(SHAPE)


@pytest.fixture
def on_s3(s3_store: StoreURL, tmp_path: Path) -> Iterator[Served]:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/catalog.sqlite")
    samples = [
        Sample(EM, image_voxels(SHAPE), public=True),
        Sample(CELLS, label_voxels(SHAPE), Kind.LABELS, of="em", public=True),
    ]
    with open_catalog(s3_store, settings) as catalog:
        for sample in samples:
            add_sample(s3_store, catalog, sample)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, s3_store, catalog, identity)
        voxels = {sample.name: sample.voxels for sample in samples}
        with run_app(app) as url:
            yield Served(url, s3_store, catalog, app, identity, voxels)


def test_stored_bytes_ranges_and_conditions(on_s3: Served) -> None:
    stored = store.read(on_s3.lake / f"{EM}.ome.zarr" / SHARD)
    with on_s3.client() as client:
        whole = client.get(f"/zarr/{EM}/{SHARD}")
        assert (whole.status_code, whole.content) == (200, stored.body)
        assert whole.headers["etag"] == stored.etag
        for header, part in {
            "bytes=0-67": stored.body[:68],
            "bytes=100-": stored.body[100:],
            "bytes=-20": stored.body[-20:],
        }.items():
            answer = client.get(f"/zarr/{EM}/{SHARD}", headers={"Range": header})
            assert (answer.status_code, answer.content) == (206, part)
        head = client.head(f"/zarr/{EM}/{SHARD}")
        assert head.headers["content-length"] == str(len(stored.body))
        same = client.get(f"/zarr/{EM}/{SHARD}", headers={"If-None-Match": stored.etag})
        assert (same.status_code, same.content) == (304, b"")
        beyond = client.get(f"/zarr/{EM}/{SHARD}", headers={"Range": "bytes=99999999-"})
        assert beyond.status_code == 416
        assert client.get(f"/zarr/{EM}/0/c/9/9/9").status_code == 404


@pytest.mark.parametrize("span", ["bytes=0-9", "bytes=5-", None])
def test_an_object_rewritten_since_it_was_asked_for_is_read_again_once(
    span: str | None, on_s3: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = on_s3.lake / f"{EM}.ome.zarr" / SHARD
    bodies, ask = [b"another object", b"and another, which is longer"], store.ask_head

    async def rewritten(url: StoreURL) -> store.ObjectInfo:
        found = await ask(url)
        if bodies:
            await to_thread.run_sync(store.write, shard, bodies.pop(0))
        return found

    monkeypatch.setattr(store, "ask_head", rewritten)
    headers = {} if span is None else {"Range": span}
    with on_s3.client() as client:
        # Twice in a row is told; the next finds it as it is.
        assert client.get(f"/zarr/{EM}/{SHARD}", headers=headers).status_code == 409
        bodies.append(b"the last object of all")
        answer = client.get(f"/zarr/{EM}/{SHARD}", headers=headers)
    expected = {"bytes=0-9": b"the last o", "bytes=5-": b"ast object of all"}
    assert answer.content == expected.get(span or "", b"the last object of all")


def test_flat_chunks_are_of_the_state_that_the_index_is_of(
    on_s3: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = open_dataset(on_s3.lake / f"{EM}.ome.zarr").level(0)
    voxels = on_s3.voxels[EM].copy()
    url = f"{on_s3.url}/flat/{EM}/0/"
    for driver in ("zarr3", "zarr"):
        flat = ts.open({"driver": driver, "kvstore": url}, read=True).result()
        assert np.array_equal(flat.read().result(), voxels)
    ask, box = store.ask_stream, Box((0, 0, 0), (16, 16, 16))
    values = [1, 2]

    def written(info: store.ObjectInfo, *rest: int) -> Awaitable[AsyncIterator[memoryview]]:
        if values:
            volume.write(box, np.full(box.shape, values.pop(), np.uint8)).result()
        return ask(info, *rest)

    monkeypatch.setattr(store, "ask_stream", written)
    with on_s3.client() as client:
        # Twice in a row is told; the next finds it as it is.
        assert client.get(f"{url}c/0/0/0").status_code == 409
        chunk = client.get(f"{url}c/0/0/0")
        assert zstandard.decompress(chunk.content) == b"\1" * box.size
        values.append(3)
        again = client.get(f"{url}c/0/0/0", headers={"If-None-Match": chunk.headers["etag"]})
        assert again.status_code == 304
        again = client.get(f"{url}c/0/0/0", headers={"Range": "bytes=0-3"})
        assert (again.status_code, len(again.content)) == (206, 4)
        chunk = client.get(f"{url}c/0/0/0", headers={"If-None-Match": chunk.headers["etag"]})
        assert zstandard.decompress(chunk.content) == b"\3" * box.size
        assert client.get(f"{url}c/9/9/9").status_code == 404


@pytest.mark.parametrize("on_disk", [False, True])
def test_what_was_read_before_is_of_no_other_state(
    on_disk: bool, on_s3: Served, request: pytest.FixtureRequest
) -> None:
    """Of an object that others put in its place, or deleted."""
    if on_disk:
        request.getfixturevalue("disk_cache")
    shard, chunk = f"/zarr/{EM}/{SHARD}", f"/flat/{EM}/0/c/0/0/0"
    lies = on_s3.lake / f"{EM}.ome.zarr" / SHARD
    other = store.read(on_s3.lake / f"{EM}.ome.zarr" / "0/c/0/1/1").body
    with on_s3.client() as client:

        def ask() -> list[tuple[int, bytes]]:
            answers = [client.get(shard, headers={"Range": "bytes=0-9"}), client.get(chunk)]
            known = answers[1].headers.get("etag", "none")
            assert client.get(chunk, headers={"If-None-Match": known}).status_code in {304, 404}
            return [(each.status_code, each.content) for each in answers]

        before = ask()
        assert ask() == before
        store.write(lies, other)
        after = ask()
        assert [status for status, _ in after] == [206, 200]
        assert after[0][1] == other[:10] != before[0][1]
        assert after[1] != before[1]
        store.delete(lies)
        assert [status for status, _ in ask()] == [404, 404]


def test_precomputed_chunks_are_those_of_the_store(on_s3: Served) -> None:
    for name in (EM, CELLS):
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": f"{on_s3.url}/precomputed/{name}/",
        }
        found = ts.open(spec, read=True).result().read().result()
        assert np.array_equal(found[..., 0].transpose(), on_s3.voxels[name])
    with on_s3.client() as client:
        client.headers["Accept-Encoding"] = "zstd"
        for span in ("0-16_0-16_0-16", "48-50_32-40_16-20"):
            chunk = client.get(f"/precomputed/{EM}/0/{span}")
            known = {"If-None-Match": chunk.headers["etag"]}
            again = client.get(f"/precomputed/{EM}/0/{span}", headers=known)
            assert (chunk.headers["content-encoding"], again.status_code) == ("zstd", 304)


def test_cutouts_labels_and_zarr_equal_what_was_written(on_s3: Served) -> None:
    with on_s3.client() as client:
        box = {"z": "3:17", "y": "5:40", "x": "0:33"}
        answer = client.get(f"/v2/datasets/{EM}/cutout", params={**box, "format": "npy"})
        assert answer.status_code == 200, answer.text
        inside = (slice(3, 17), slice(5, 40), slice(0, 33))
        np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), on_s3.voxels[EM][inside])
        found = client.get(f"/v2/datasets/{CELLS}/labels", params=box).json()
        expected = np.unique(on_s3.voxels[CELLS][inside])
        assert [int(label) for label in found["labels"]] == [int(n) for n in expected if n]
    array = zarr.open_array(on_s3.zarr(EM, "0"), mode="r")
    np.testing.assert_array_equal(np.asarray(array[:]), on_s3.voxels[EM])


def test_a_store_that_fails_is_never_a_missing_chunk(
    on_s3: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader would take a 404 for fill: credentials that are refused must be an error."""
    from tests.conftest import forget_stores

    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "wrong")
    forget_stores()
    ends = ["labels", "labels/1", "labels/1/mask", "labels/1/sparse-volume", "labels/top"]
    ends += ["cutout?bodies=true", "mapping/1", "objects", "objects/1"]
    with on_s3.client() as client:
        for path in (f"/zarr/{EM}/{SHARD}", *(f"/v2/datasets/{CELLS}/{end}" for end in ends)):
            answer = client.get(path)
            assert answer.status_code >= 500, path
            assert answer.headers["content-type"] == "application/problem+json"


def test_bodies_and_objects_on_s3(on_s3: Served) -> None:
    voxels, root = on_s3.voxels[CELLS], f"/v2/datasets/{CELLS}"
    with on_s3.client(owner=True) as client:
        assert client.post(f"{root}/merges", json={"labels": [1, 2]}).status_code == 200
        where = np.argwhere(np.isin(voxels, [1, 2]))
        body = client.get(f"{root}/labels/1", params={"bodies": True}).json()
        assert body["voxels"] == len(where)
        answer = client.get(f"{root}/labels/1/sparse-volume", params={"bodies": True})
        runs = decode_rles(answer.content)
        assert runs == brute_runs(np.where(voxels == 2, 1, voxels).astype(np.uint64), 1, ALL)
        put = client.put(f"{root}/objects/1", json={"name": "Tm3"})
        assert client.get(f"{root}/objects/1").json() == put.json()
        first = client.get(f"{root}/labels/top", params={"n": 1, "bodies": True}).json()["labels"]
        ids, counts = np.unique(np.where(voxels == 2, 1, voxels)[voxels != 0], return_counts=True)
        assert first[0]["voxels"] == counts.max()
        assert first[0]["label"] == str(ids[counts.argmax()])
