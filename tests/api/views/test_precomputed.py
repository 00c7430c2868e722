"""Datasets in the precomputed format over HTTP: clients of the field read them as the source."""

from __future__ import annotations

import gzip
import io
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
import tensorstore as ts
import zarr
import zstandard
from PIL import Image
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from zarr.codecs import BloscCodec, TransposeCodec

from voxlake.api.app import create_app
from voxlake.api.data.stored import precomputed as data
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.metadata.seal import sealed
from voxlake.platform import store
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHAPE = (37, 41, 53)
INDEX = 8 * 16 + 4
"""Bytes of the index of a shard of 2 x 2 x 2 chunks."""
MOVED = (10, -16, 7)
"""Where the first voxel of `moved` is, in voxels: z, y, x."""
OWNER = {"Authorization": f"Bearer {TOKEN}"}


DECODE: dict[str | None, Callable[[bytes], bytes]] = {
    "zstd": zstandard.decompress,
    "gzip": gzip.decompress,
    None: bytes,
}


def smooth(shape: tuple[int, ...]) -> Any:
    """Return an image that JPEG hardly changes."""
    return np.broadcast_to(np.arange(shape[-1], dtype=np.uint8) * 3, shape).copy()


SAMPLES = {
    "bytes": image_voxels(SHAPE),
    "words": image_voxels(SHAPE, 3, "uint16"),
    "numbers": image_voxels(SHAPE, 4, "float32"),
    "moved": smooth(SHAPE),
    "red-green-blue": np.stack([smooth(SHAPE), smooth(SHAPE) + 7, image_voxels(SHAPE) // 9]),
    "doubles": image_voxels(SHAPE, 4, "int16"),
    "film": image_voxels((3, *SHAPE)),
    "dyes": image_voxels((2, 3, *SHAPE), 5, "uint16"),
}
LABELS = {"ids": label_voxels(SHAPE), "small": label_voxels(SHAPE, 3).astype(np.uint32)}
AXES = {"red-green-blue": (*"czyx",), "film": (*"tzyx",), "dyes": (*"tczyx",)}
TAKEN = [*SAMPLES, *LABELS]
TAKEN.remove("doubles")
TAKEN.remove("film")
TAKEN.remove("dyes")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway over volumes of all types, with a hole in each."""
    url = StoreURL.parse(str(tmp_path_factory.mktemp("precomputed") / "lake"))
    settings = Settings(failed_logins_per_minute=0)
    with open_catalog(url, settings) as catalog:
        for name, voxels in (SAMPLES | LABELS).items():
            voxels[..., :32, :32, :32] = 0
            kind = Kind.LABELS if name in LABELS else Kind.IMAGE
            size, axes = VoxelSize(40, 4, 4), AXES.get(name, (*"zyx",))
            sample = Sample(f"a/b/{name}", voxels, kind, axes=axes, voxel_size=size, public=True)
            add_sample(url, catalog, sample)
        move(url / "a/b/moved.ome.zarr")
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, url, catalog, identity)
        with run_app(app) as address:
            yield Served(address, url, catalog, app, identity, SAMPLES | LABELS)


def move(group: StoreURL) -> None:
    """Let a dataset begin elsewhere."""
    document = json.loads(store.read(group / "zarr.json").body)
    for level in document["attributes"]["ome"]["multiscales"][0]["datasets"]:
        translation = level["coordinateTransformations"][1]["translation"]
        for axis, (voxels, size) in enumerate(zip(MOVED, (40, 4, 4), strict=True)):
            translation[axis] += voxels * size
    store.write(group / "zarr.json", json.dumps(sealed(document)).encode())


def taking(lake: Served, codings: str) -> httpx2.Client:
    """Return a client that takes so many codings of bodies."""
    return httpx2.Client(base_url=lake.url, headers={"Accept-Encoding": codings}, timeout=30)


def levels_of(lake: Served, name: str) -> list[Any]:
    """Return the voxels (channel, z, y, x) of all levels, as they are on the store."""
    dataset = open_dataset(lake.lake / f"a/b/{name}.ome.zarr")
    volumes = map(dataset.level, range(dataset.levels))
    levels = [volume.read(volume.box).result() for volume in volumes]
    return [voxels[np.newaxis] if voxels.ndim == 3 else voxels for voxels in levels]


def read(url: str, number: int) -> Any:
    """Return a scale, (channel, z, y, x), as TensorStore reads it."""
    spec = {"driver": "neuroglancer_precomputed", "kvstore": url, "scale_index": number}
    return ts.open(spec, read=True).result().read().result().transpose()


@pytest.mark.parametrize("name", TAKEN)
def test_tensorstore_reads_every_level(lake: Served, name: str) -> None:
    for number, voxels in enumerate(levels_of(lake, name)):
        found = read(f"{lake.url}/precomputed/a/b/{name}/", number)
        assert found.dtype == voxels.dtype
        np.testing.assert_array_equal(found, voxels)


@pytest.mark.parametrize("name", ["film", "dyes"])
def test_each_time_point_is_a_volume(lake: Served, name: str) -> None:
    voxels = SAMPLES[name]
    for time_point in range(len(voxels)):
        url = f"{lake.url}/precomputed/a/b/{name}/t={time_point}/"
        now = voxels[time_point]
        expected = now if now.ndim == 4 else now[np.newaxis]
        np.testing.assert_array_equal(read(url, 0), expected)
        np.testing.assert_array_equal(read(url, 1), expected[..., ::2, ::2])
    jpeg = f"{lake.url}/precomputed/a/b/{name}/t=1/jpeg/"
    if name == "film":
        assert np.abs(read(jpeg, 0)[0].astype(int) - voxels[1]).mean() < 40


def test_a_chunk_at_a_time_is_sent_as_it_lies(
    lake: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "unpack_chunks", None)
    address = "/precomputed/a/b/film/t=2/0/32-48_16-32_0-16"
    with taking(lake, "zstd") as client, client.stream("GET", address) as answer:
        raw = b"".join(answer.iter_raw())
    stored = store.read(lake.lake / "a/b/film.ome.zarr/0/c/2/0/0/1").body
    assert raw in stored
    assert zstandard.decompress(raw) == SAMPLES["film"][2, :16, 16:32, 32:48].tobytes()


def test_a_chunk_of_several_time_points_has_the_one_that_was_asked_for(lake: Served) -> None:
    group = lake.lake / "a/b/film.ome.zarr"
    kept = (group / "1").path.rename(group.path / "kept")
    voxels = image_voxels((3, 37, 21, 27), 8)
    try:
        path = str((group / "1").path)
        chunks, shards = (2, 16, 16, 16), (4, 32, 32, 32)
        array = zarr.create_array(
            path, shape=voxels.shape, dtype=voxels.dtype, chunks=chunks, shards=shards
        )
        array[...] = voxels
        lake.app.state.gateway.volumes._entries.clear()
        for number, now in enumerate(voxels):
            url = f"{lake.url}/precomputed/a/b/film/t={number}/"
            np.testing.assert_array_equal(read(url, 1)[0], now)
    finally:
        lake.app.state.gateway.volumes._entries.clear()
        store.delete_tree(group / "1")
        kept.rename((group / "1").path)


@pytest.mark.parametrize("name", LABELS)
def test_compressed_segmentation_is_the_same_labels(lake: Served, name: str) -> None:
    url = f"{lake.url}/precomputed/a/b/{name}/compressed_segmentation/"
    for number, voxels in enumerate(levels_of(lake, name)):
        np.testing.assert_array_equal(read(url, number), voxels)


@pytest.mark.parametrize("name", ["moved", "bytes", "red-green-blue"])
def test_jpeg_is_close(lake: Served, name: str) -> None:
    for number, voxels in enumerate(levels_of(lake, name)):
        found = read(f"{lake.url}/precomputed/a/b/{name}/jpeg/", number)
        assert found.shape == voxels.shape
        error = np.abs(found.astype(int) - voxels).mean()
        assert error < (2 if name == "moved" else 40)
    with lake.client() as client:
        answer = client.get(f"/precomputed/a/b/{name}/jpeg/1/{chunk_name(lake, name, 1)}")
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == (16, 256)


def chunk_name(lake: Served, name: str, number: int) -> str:
    """Return the first chunk of a scale."""
    with lake.client() as client:
        scale = client.get(f"/precomputed/a/b/{name}/info").json()["scales"][number]
    return "_".join(f"{lo}-{lo + 16}" for lo in scale["voxel_offset"])


def test_info_says_where_voxels_are(lake: Served) -> None:
    with lake.client() as client:
        info = client.get("/precomputed/a/b/moved/info").json()
        ids = client.get("/precomputed/a/b/ids/info").json()
    assert info["@type"] == "neuroglancer_multiscale_volume"
    assert (info["type"], info["data_type"], info["num_channels"]) == ("image", "uint8", 1)
    fine, coarse = info["scales"]
    assert (fine["size"], fine["chunk_sizes"]) == ([53, 41, 37], [[16, 16, 16]])
    assert (fine["resolution"], fine["voxel_offset"]) == ([4, 4, 40], [7, -16, 10])
    assert (coarse["resolution"], coarse["size"]) == ([8, 8, 40], [27, 21, 37])
    # Half of 7 is no voxel.
    assert coarse["voxel_offset"] == [4, -8, 10]
    assert (ids["type"], ids["data_type"]) == ("segmentation", "uint64")
    assert [each["voxel_offset"] for each in ids["scales"]] == [[0, 0, 0]] * 2


@pytest.mark.parametrize("name", [*SAMPLES, *LABELS])
def test_a_dataset_says_where_its_views_are(lake: Served, name: str) -> None:
    with lake.client() as client:
        described = client.get(f"/v2/datasets/a/b/{name}").json()
        assert described["flat_url"] == f"{lake.url}/flat/a/b/{name}"
        assert client.get(f"{described['flat_url']}/zarr.json").status_code == 200
        address = f"{lake.url}/precomputed/a/b/{name}" if name in TAKEN else None
        assert described["precomputed_url"] == address
        status = client.get(f"/precomputed/a/b/{name}/info").status_code
        assert status == (200 if address else 400)


def test_a_chunk_is_sent_as_it_lies(lake: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(data, "unpack_chunks", unpack)
    stored = store.read(lake.lake / "a/b/words.ome.zarr/0/c/0/0/1").body
    with taking(lake, "gzip, zstd") as client:
        address = "/precomputed/a/b/words/0/32-48_16-32_0-16"
        with client.stream("GET", address) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "zstd"
        assert "Accept-Encoding" in answer.headers["vary"]
        assert raw in stored
        voxels = SAMPLES["words"][:16, 16:32, 32:48]
        assert zstandard.decompress(raw) == voxels.tobytes()
        etag = answer.headers["etag"]
        again = client.get(address, headers={"If-None-Match": etag})
        assert (again.status_code, again.headers["etag"]) == (304, etag)
        # All fill, and no shard is there: a few bytes.
        empty = client.get("/precomputed/a/b/words/0/0-16_0-16_0-16")
        assert (empty.status_code, int(empty.headers["content-length"]) < 64) == (200, True)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("zstd", "zstd"), ("gzip, br", "gzip"), ("identity", None), ("zstd;q=0, gzip;q=0", None)],
)
@pytest.mark.parametrize("chunk", ["32-48_0-16_16-32", "48-53_32-41_32-37", "0-16_0-16_0-16"])
def test_every_coding_is_the_same_voxels(
    lake: Served, accepted: str, coding: str | None, chunk: str
) -> None:
    x, y, z = (slice(*map(int, span.split("-"))) for span in chunk.split("_"))
    address = f"/precomputed/a/b/ids/0/{chunk}"
    with taking(lake, accepted) as client:
        with client.stream("GET", address) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding") == coding
        decode = DECODE[coding]
        assert decode(raw) == LABELS["ids"][z, y, x].tobytes()
        head = client.head(address)
        assert head.headers["content-length"] == str(len(raw))
        assert head.headers["etag"] == answer.headers["etag"]
        again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_each_form_has_an_etag(lake: Served) -> None:
    tags = set()
    with lake.client() as client:
        for form in ("", "compressed_segmentation/"):
            for accepted in ("zstd", "gzip", "identity"):
                address = f"/precomputed/a/b/ids/{form}0/32-48_0-16_16-32"
                tags.add(client.get(address, headers={"Accept-Encoding": accepted}).headers["etag"])
    assert len(tags) == 6


@pytest.mark.parametrize(
    ("key", "status", "word"),
    [
        ("doubles/info", 400, "int16"),
        ("doubles/0/0-16_0-16_0-16", 400, "int16"),
        ("film/info", 400, "t=0/"),
        ("film/t=3/info", 400, "there are 3"),
        ("film/t=3/0/0-16_0-16_0-16", 400, "there are 3"),
        ("film/t=-1/info", 404, "info"),
        ("film/t=1/t=1/info", 404, "info"),
        ("bytes/t=0/info", 404, "leave it out"),
        ("words/jpeg/info", 400, "uint16"),
        ("bytes/compressed_segmentation/info", 400, "uint8"),
        ("bytes/png/info", 404, "info"),
        ("bytes/provenance", 404, "info"),
        ("bytes/9/0-16_0-16_0-16", 400, "level 9"),
        ("bytes/0/0-16_0-16_0-17", 400, "none of these"),
        ("bytes/0/1-17_0-16_0-16", 400, "none of these"),
        ("bytes/0/48-64_0-16_0-16", 400, "none of these"),
        ("bytes/0/960-976_0-16_0-16", 400, "none of these"),
        ("bytes/0/-16-0_0-16_0-16", 400, "none of these"),
        ("bytes/0/16-0_0-16_0-16", 400, "none of these"),
        ("bytes/0/c/0/0/0", 404, "info"),
        ("bytes/0/0-16_0-16", 404, "chunk"),
        ("bytes/0/zarr.json", 404, "chunk"),
    ],
)
def test_what_is_not_there_is_told(lake: Served, key: str, status: int, word: str) -> None:
    with lake.client() as client:
        answer = client.get(f"/precomputed/a/b/{key}")
    assert (answer.status_code, word in answer.json()["detail"]) == (status, True), answer.text


def test_damage_and_deletion_are_no_fill(lake: Served) -> None:
    level = (lake.lake / "a/b/words.ome.zarr/1").path
    shard, document = level / "c/1/0/0", level / "zarr.json"
    body = shard.read_bytes()
    address = f"{lake.url}/precomputed/a/b/words/1/16-27_0-16_32-37"
    try:
        shard.write_bytes(bytes(len(body) - INDEX) + body[-INDEX:])
        assert httpx2.get(address).status_code == 500
        shard.unlink()
        assert not any(httpx2.get(address).content)
        document.rename(level / "away")
        assert httpx2.get(address).status_code == 409
        (level / "away").rename(document)
    finally:
        shard.write_bytes(body)


TURNED = TransposeCodec(order=(2, 1, 0))


@pytest.mark.parametrize(
    "more",
    [
        {"compressors": BloscCodec(shuffle="shuffle")},
        {"compressors": BloscCodec(shuffle="shuffle"), "shards": (16, 16, 16)},
        {"filters": TURNED, "shards": (16, 16, 16)},
        {"zarr_format": 2},
    ],
)
def test_arrays_of_others_are_decoded(lake: Served, more: dict[str, Any]) -> None:
    group = lake.lake / "a/b/bytes.ome.zarr"
    voxels = image_voxels((37, 41, 53), 8, "uint16").astype(">u2")
    kept = (group / "1").path.rename(group.path / "kept")
    try:
        path = str((group / "1").path)
        array = zarr.create_array(
            path, shape=voxels.shape, dtype=voxels.dtype, chunks=(8, 16, 8), **more
        )
        array[...] = voxels
        lake.app.state.gateway.volumes._entries.clear()
        address = f"{lake.url}/precomputed/a/b/bytes/1/48-53_32-41_8-16"
        assert httpx2.get(address).content == voxels[8:16, 32:, 48:].astype("<u2").tobytes()
    finally:
        lake.app.state.gateway.volumes._entries.clear()
        store.delete_tree(group / "1")
        kept.rename((group / "1").path)


def test_private_volumes_and_labels_of_images(served: Served, anonymous: httpx2.Client) -> None:
    assert anonymous.get("/precomputed/lab/brain/secret/info").status_code == 401
    assert anonymous.get("/precomputed/lab/brain/em/labels/cells/info").status_code == 200
    assert anonymous.get("/precomputed/lab/brain/em/labels/draft/info").status_code == 401
    with served.client(owner=True) as owner:
        chunk = owner.get("/precomputed/lab/brain/secret/0/0-16_0-16_0-16")
        assert chunk.headers["cache-control"] == "private, no-cache"
        assert chunk.headers["vary"] == "Accept-Encoding, Authorization, Cookie"
        assert chunk.content == served.voxels["lab/brain/secret"][:16, :16, :16].tobytes()


def test_what_is_decoded_counts_while_it_is_sent(lake: Served) -> None:
    """A client that takes nothing of a large chunk keeps its memory from others."""
    group = lake.lake / "a/b/bytes.ome.zarr"
    kept = (group / "1").path.rename(group.path / "kept")
    answers = lake.app.state.gateway.answers
    try:
        path, shape = str((group / "1").path), (192, 512, 256)
        zarr.create_array(path, shape=shape, dtype="u1", chunks=shape, fill_value=5)
        lake.app.state.gateway.volumes._entries.clear()
        host, port = lake.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            target = "/precomputed/a/b/bytes/1/0-256_0-512_0-192"
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert b"200" in connection.recv(1000)
            assert answers.used_bytes >= 24 << 20
        deadline = time.monotonic() + 60
        while answers.used_bytes:
            assert time.monotonic() < deadline, "memory is counted for who has left"
            time.sleep(0.02)
    finally:
        lake.app.state.gateway.volumes._entries.clear()
        store.delete_tree(group / "1")
        kept.rename((group / "1").path)
