"""Chunks that blosc compressed: what they claim to inflate to is read before they are decoded."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts

from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards.whole import read_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, UnsupportedError
from voxlake.platform.store import StoreURL, as_tensorstore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.ngff.volume import Volume

SHAPE, CHUNK, SHARD = (10, 12, 20), (4, 4, 8), (8, 8, 16)
CLAIMED = (1 << 31) - (1 << 16)
"""Bytes that the heads of the tests claim: nearly as many as blosc can."""
BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
BLOSC = {
    "name": "blosc",
    "configuration": {
        "cname": "zstd",
        "clevel": 5,
        "shuffle": "shuffle",
        "typesize": 2,
        "blocksize": 0,
    },
}
CRC = {"name": "crc32c"}


def sharding(*codecs: dict[str, Any], at: str = "end") -> dict[str, Any]:
    inner = {"chunk_shape": CHUNK, "codecs": codecs, "index_location": at}
    return {"name": "sharding_indexed", "configuration": inner | {"index_codecs": [BYTES, CRC]}}


def v3(*codecs: dict[str, Any], chunk: tuple[int, ...] = CHUNK) -> dict[str, Any]:
    grid = {"name": "regular", "configuration": {"chunk_shape": chunk}}
    return {"shape": SHAPE, "chunk_grid": grid, "data_type": "uint16", "codecs": codecs}


BLOSC_2 = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}
V2 = {"shape": SHAPE, "chunks": CHUNK, "dtype": "<u2", "compressor": BLOSC_2}

LAYOUTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "v2": ("zarr", V2, "1.2.1"),
    "v2, F order": ("zarr", V2 | {"order": "F", "dimension_separator": "/"}, "1/2/1"),
    "v3": ("zarr3", v3(BYTES, BLOSC), "c/1/2/1"),
    "v3, checksum": ("zarr3", v3(BYTES, CRC, BLOSC, CRC), "c/1/2/1"),
    "shards": ("zarr3", v3(sharding(BYTES, BLOSC), chunk=SHARD), "c/0/1/0"),
    "shards, index first": (
        "zarr3",
        v3(sharding(BYTES, BLOSC, CRC, at="start"), chunk=SHARD),
        "c/0/1/0",
    ),
}
"""Driver, metadata, and the key of the object that voxel (7, 8, 15) is in."""
AT = Box((7, 8, 15), (8, 9, 16))


def make(url: StoreURL, layout: str) -> tuple[Volume, np.ndarray[Any, Any]]:
    driver, metadata, _ = LAYOUTS[layout]
    spec = {"driver": driver, "kvstore": as_tensorstore(url), "metadata": metadata}
    voxels = np.random.default_rng(5).integers(1, 60000, SHAPE).astype(np.uint16)
    ts.open(spec, create=True).result().write(voxels).result()
    return open_volume(url, 0), voxels


def claim_more(volume: Volume, layout: str) -> None:
    """Let all chunks of one object claim to be larger: their heads, not the rest of them."""
    url = volume.url / LAYOUTS[layout][2]
    said, says = (struct.pack("<I", n) for n in (_said(layout), CLAIMED))
    body = store.read(url).body
    assert said in body
    store.write(url, body.replace(said, says))


def _said(layout: str) -> int:
    return int(np.prod(CHUNK)) * 2 + (4 if layout == "v3, checksum" else 0)


async def _awaited(volume: Volume) -> Any:
    return await volume.read(AT)


READS: dict[str, Callable[[Volume], Any]] = {
    "result": lambda volume: volume.read(AT).result(),
    "await": lambda volume: asyncio.run(_awaited(volume)),
    "write": lambda volume: volume.write(AT, np.ones(AT.shape, np.uint16)).result(),
    "shard": lambda volume: read_shard(
        volume, tuple(at // n for at, n in zip(AT.start, volume.shard, strict=True))
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_voxels_are_what_tensorstore_wrote(any_store: StoreURL, layout: str) -> None:
    volume, voxels = make(any_store / "a", layout)
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    box = Box((3, 2, 7), (9, 12, 20))
    np.testing.assert_array_equal(volume.read(box).result(), voxels[box.slices])
    shard = volume.shard_box((1, 1, 1))
    np.testing.assert_array_equal(read_shard(volume, (1, 1, 1))[0], voxels[shard.slices])
    store.delete(volume.url / LAYOUTS[layout][2])
    assert not volume.read(AT).result().any()


@pytest.mark.parametrize("how", READS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_chunk_that_claims_more_is_named_and_not_decoded(
    lake: StoreURL, layout: str, how: str
) -> None:
    volume, voxels = make(lake / "a", layout)
    claim_more(volume, layout)
    with pytest.raises(CorruptDataError, match=f"claims {CLAIMED} bytes") as caught:
        READS[how](volume)
    assert LAYOUTS[layout][2] in str(caught.value)
    beside = Box((0, 0, 0), (1, 1, 1))
    np.testing.assert_array_equal(volume.read(beside).result(), voxels[beside.slices])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_object_without_a_head_is_damaged(any_store: StoreURL, layout: str) -> None:
    volume, _ = make(any_store / "a", layout)
    store.write(volume.url / LAYOUTS[layout][2], b"torn")
    with pytest.raises(CorruptDataError, match="damaged"):
        volume.read(AT).result()


GZIP = {"name": "gzip", "configuration": {"level": 1}}


@pytest.mark.parametrize(
    "metadata",
    [
        v3(BYTES, BLOSC, GZIP),
        v3(BYTES, BLOSC, BLOSC),
        v3(sharding(BYTES, BLOSC, GZIP), chunk=SHARD),
    ],
)
def test_a_codec_that_hides_the_heads_is_refused_by_name(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    url = StoreURL.parse(str(tmp_path / "a"))
    document = {"zarr_format": 3, "node_type": "array", "fill_value": 0, **metadata}
    document["chunk_key_encoding"] = {"name": "default"}
    store.write(url / "zarr.json", json.dumps(document).encode())
    with pytest.raises(UnsupportedError, match=r"coded by .*blosc.*convert it"):
        open_volume(url)
