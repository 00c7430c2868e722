"""N5 and precomputed over HTTP and from buckets, from real servers."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import obstore
import pytest
import tensorstore as ts
from tests.compute.sources.reading import assert_whole
from tests.conftest import forget_stores
from tests.servers.web import run_web

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box
from voxlake.platform import store
from voxlake.platform.errors import SourceError
from voxlake.platform.store import StoreURL, as_obstore, as_tensorstore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.web import WebServer

VOXELS = np.random.default_rng(1).integers(1, 256, (20, 30, 40), "u1")
SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    "preshift_bits": 1,
    "hash": "identity",
    "minishard_bits": 2,
    "shard_bits": 1,
}


def write_n5(url: StoreURL) -> None:
    metadata = {
        "dimensions": VOXELS.shape[::-1],
        "blockSize": (16, 16, 16),
        "dataType": "uint8",
        "compression": {"type": "gzip"},
    }
    spec = {"driver": "n5", "kvstore": as_tensorstore(url), "metadata": metadata}
    ts.open(spec, create=True).result()[...].write(VOXELS.T).result()


def write_precomputed(url: StoreURL, *, sharded: bool = False) -> None:
    scale: dict[str, Any] = {
        "key": "fine",
        "size": VOXELS.shape[::-1],
        "chunk_size": [16, 16, 16],
        "encoding": "raw",
        "resolution": [4, 4, 40],
    }
    if sharded:
        scale["sharding"] = SHARDING
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": as_tensorstore(url),
        "multiscale_metadata": {"data_type": "uint8", "num_channels": 1, "type": "image"},
        "scale_metadata": scale,
    }
    ts.open(spec, create=True).result()[..., 0].write(VOXELS.T).result()


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    with run_web(tmp_path) as server:
        yield server


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with a volume of each kind."""
    url = StoreURL.parse(str(tmp_path))
    write_n5(url / "em.n5/volumes/raw/s0")
    write_precomputed(url / "em")
    write_precomputed(url / "shards", sharded=True)
    return tmp_path


LOCATIONS = [
    "{}/em.n5/volumes/raw/s0",
    "{}/em.n5/volumes/raw",
    "{}/em.n5::/volumes/raw/s0",
    "{}/em",
    "{}/em/?scale=0",
    "precomputed://{}/em",
    "precomputed://{}/em?scale=fine",
    "{}/shards",
    "precomputed://{}/shards",
]


@pytest.mark.parametrize("location", LOCATIONS)
def test_over_http(web: WebServer, written: Path, location: str) -> None:
    source = open_source(location.format(web.address))
    assert_whole(source, VOXELS)
    assert open_source(location.format(web.address)).fingerprint == source.fingerprint


@pytest.mark.parametrize(
    ("location", "failing"),
    [
        ("{}/em.n5/volumes/raw/s0", "/1/0/0"),
        ("{}/em", "16-32_0-16_0-16"),
        ("{}/shards", "0.shard"),
    ],
)
def test_a_failing_server_is_no_missing_chunk(
    web: WebServer, written: Path, location: str, failing: str
) -> None:
    source = open_source(location.format(web.address))
    web.failing.add(failing)
    with pytest.raises(SourceError, match=location.format(web.address)):
        source.read(Box((0, 0, 0), (16, 16, 32)))
    web.failing.clear()
    assert_whole(source, VOXELS)


@pytest.mark.parametrize(
    ("location", "failing"), [("{}/em.n5", "attributes.json"), ("precomputed://{}/em", "info")]
)
def test_a_failing_server_is_not_taken_for_another_kind(
    web: WebServer, written: Path, location: str, failing: str
) -> None:
    web.failing.add(failing)
    with pytest.raises(SourceError, match=failing):
        open_source(location.format(web.address))


def test_packed_chunks_over_http(web: WebServer, written: Path) -> None:
    """As a web server shows the folder that CloudVolume has written."""
    for file in (written / "em/fine").iterdir():
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert_whole(open_source(f"{web.address}/em"), VOXELS)


@pytest.mark.parametrize("name", ["em.n5::/raw", "precomputed://", "shards"])
def test_in_a_bucket(bucket: StoreURL, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_n5(bucket / "em.n5/raw")
    write_precomputed(bucket / "em")
    write_precomputed(bucket / "shards", sharded=True)
    more = "&" if "?endpoint=" in str(bucket) else "?"
    names = {
        "em.n5::/raw": f"{bucket / 'em.n5'}::/raw",
        "precomputed://": f"precomputed://{bucket / 'em'}{more}scale=fine",
        "shards": str(bucket / "shards"),
    }
    assert_whole(open_source(names[name]), VOXELS)
    if bucket.scheme == "gs":
        monkeypatch.setenv("VOXLAKE_GCS_ANONYMOUS", "1")
        forget_stores()
        assert_whole(open_source(names[name]), VOXELS)


@pytest.mark.parametrize("by_suffix", [False, True])
def test_packed_chunks_on_s3(s3_store: StoreURL, by_suffix: bool) -> None:
    """CloudVolume names the packing in a header of the object; copies of a folder by suffix."""
    url = s3_store / "em"
    write_precomputed(url)
    chunks = [entry.url for entry in store.walk(url / "fine")]
    assert len(chunks) == 12
    for chunk in chunks:
        packed = gzip.compress(store.read(chunk).body)
        if by_suffix:
            store.delete(chunk)
            store.write(replace(chunk, key=f"{chunk.key}.gz"), packed)
        else:
            obstore.put(
                as_obstore(chunk), chunk.key, packed, attributes={"Content-Encoding": "gzip"}
            )
    assert_whole(open_source(f"precomputed://{url}"), VOXELS)


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:9/em.n5", "precomputed://http://127.0.0.1:9/em"]
)
def test_no_server(monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9"):
        open_source(location)
