"""Shards as streams of chunks: what they hold is what TensorStore and zarr read, and back."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind, Layout
from voxlake.ngff.grid.pyramid import PyramidLevel
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, array_document
from voxlake.ngff.shards.chunk_codec import encode_chunks
from voxlake.ngff.shards.format import find_shard_format, shard_format
from voxlake.ngff.shards.reader import open_shard
from voxlake.ngff.shards.stream import ShardStream, cut_at_shards, stream_shard
from voxlake.ngff.shards.whole import encode_shard
from voxlake.ngff.volume import Volume, open_volume
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, UnsupportedError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL, as_zarr

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.making.create import IndexLocation

CHUNK, SHARD = (4, 8, 8), (8, 16, 32)
DTYPES = ("uint8", "int16", "uint64", "float32")


def new_volume(
    url: StoreURL,
    shape: tuple[int, ...],
    dtype: str,
    index_location: IndexLocation = "end",
    **changes: Any,
) -> Volume:
    """Create an array of small chunks; `changes` are made in its document."""
    axes = ("t", "c", "z", "y", "x")[-len(shape) :]
    lead = (1,) * (len(shape) - 3)
    layout = Layout(lead + CHUNK, lead + SHARD, 1)
    ones, zeros = (1.0,) * len(shape), (0.0,) * len(shape)
    level = PyramidLevel("0", shape, (1,) * len(shape), ones, zeros, layout)
    place = Place(DatasetName.parse("c/e/d"), Kind.IMAGE, None)
    new = NewDataset(place, axes, VoxelSize(1, 1, 1).unit, np.dtype(dtype), (level,))
    document = array_document(new, level, index_location) | changes
    store.write(url / "zarr.json", json.dumps(document).encode())
    return open_volume(url, cache_bytes=0)


def write_stream(
    volume: Volume, voxels: npt.NDArray[Any], strip: tuple[int, ...]
) -> list[str | None]:
    """Write the whole volume strip by strip; return the ETags of its shards."""
    coding, streams = shard_format(volume), dict[tuple[int, ...], ShardStream]()
    for box in volume.box.tiles((1,) * (volume.box.ndim - 3) + strip):
        payloads = encode_chunks(coding, voxels[box.slices])
        for cell, part, own in cut_at_shards(box, payloads, coding):
            if cell not in streams:
                streams[cell] = stream_shard(volume, cell)
            streams[cell].put(part, own)
    return [stream.close() for stream in streams.values()]


def read_stream(volume: Volume, strip: tuple[int, ...]) -> npt.NDArray[Any]:
    """Read the whole volume strip by strip into memory that has gaps between rows."""
    memory = np.full((*volume.shape[:-1], volume.shape[-1] + 3), 99, volume.dtype)
    out = memory[..., : volume.shape[-1]]
    for box in volume.box.tiles((1,) * (volume.box.ndim - 3) + strip):
        for cell in box.cells(volume.shard):
            part = volume.shard_box(cell) & box
            open_shard(volume, cell).read_into(part, out[part.slices])
    assert (memory[..., volume.shape[-1] :] == 99).all()
    return out


@settings(max_examples=40)
@given(data=st.data())
def test_every_writer_writes_the_same_bytes_and_tensorstore_and_zarr_read_them(
    lake: StoreURL, data: st.DataObject
) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, n) for n in (11, 21, 43)]))
    lead = data.draw(st.sampled_from([(), (2,), (2, 2)]))
    strips = st.sampled_from([(4, 8, 8), (4, 8, 24), (8, 16, 64), (4, 24, 8), (12, 8, 16)])
    strip = data.draw(strips)
    location: IndexLocation = data.draw(st.sampled_from(["start", "end"]))
    dtype = data.draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    voxels = rng.integers(0, 100, (*lead, *shape)).astype(dtype)
    fill = data.draw(st.sampled_from([0, 7]))
    voxels[..., :9, :9] = fill
    url = lake / uuid4().hex
    volume = new_volume(url, voxels.shape, dtype, location, fill_value=fill)
    write_stream(volume, voxels, strip)
    stored = {info.url: store.read(info.url).body for info in store.walk(url / "c")}
    whole = {
        volume.shard_url(cell): encode_shard(volume, voxels[volume.shard_box(cell).slices])
        for cell in volume.box.cells(volume.shard)
    }
    assert stored == {shard: body for shard, body in whole.items() if body is not None}
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    np.testing.assert_array_equal(zarr.open_array(as_zarr(url), mode="r")[...], voxels)
    np.testing.assert_array_equal(read_stream(volume, strip), voxels)


def test_what_tensorstore_writes_is_read(lake: StoreURL) -> None:
    volume = new_volume(lake / "a", (9, 21, 43), "uint16")
    voxels = np.random.default_rng(0).integers(0, 9, volume.shape).astype(volume.dtype)
    voxels[:, :8, :32] = 0
    volume.write(volume.box, voxels).result()
    np.testing.assert_array_equal(read_stream(volume, (4, 8, 16)), voxels)


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("fill", [0, 7])
def test_index_and_fill_of_any_kind(lake: StoreURL, location: IndexLocation, fill: int) -> None:
    volume = new_volume(lake / "b", (9, 17, 33), "uint8", location, fill_value=fill)
    voxels = np.random.default_rng(0).integers(0, 9, volume.shape).astype("uint8")
    voxels[:4, :8, :8] = fill
    write_stream(volume, voxels, (4, 8, 16))
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    np.testing.assert_array_equal(read_stream(volume, (4, 8, 8)), voxels)
    assert (open_shard(volume, (0, 0, 0)).entries[0] == 2**64 - 1).all()


def test_a_shard_of_fill_is_not_stored_and_an_older_one_goes(lake: StoreURL) -> None:
    """On S3, where a DELETE takes no condition, an object without chunks takes its place."""
    volume = new_volume(lake / "a", (8, 16, 32), "uint8")
    zeros = np.zeros(volume.shape, "uint8")
    assert write_stream(volume, zeros, (4, 8, 8)) == [None]
    assert not store.exists(volume.shard_url((0, 0, 0)))
    (etag,) = write_stream(volume, np.ones(volume.shape, "uint8"), (4, 8, 8))
    assert etag == store.head(volume.shard_url((0, 0, 0))).etag
    (left,) = write_stream(volume, zeros, (4, 8, 8))
    assert (left is None) == lake.is_local
    assert store.exists(volume.shard_url((0, 0, 0))) == (left is not None)
    np.testing.assert_array_equal(read_stream(volume, (4, 8, 8)), zeros)


def test_the_same_voxels_give_the_same_bytes(lake: StoreURL) -> None:
    volume = new_volume(lake / "a", (8, 16, 32), "uint8")
    voxels = np.random.default_rng(0).integers(0, 9, volume.shape).astype("uint8")
    bodies = set()
    for _ in range(3):
        write_stream(volume, voxels, (4, 8, 16))
        bodies.add(store.read(volume.shard_url((0, 0, 0))).body)
    assert len(bodies) == 1


def test_what_is_discarded_leaves_the_old_shard_and_no_file(lake: StoreURL) -> None:
    volume = new_volume(lake / "a", (8, 16, 32), "uint8")
    write_stream(volume, np.ones(volume.shape, "uint8"), (4, 8, 8))
    stream = stream_shard(volume, (0, 0, 0))
    box = Box((0, 0, 0), (4, 8, 8))
    stream.put(box, encode_chunks(shard_format(volume), np.full(box.shape, 9, np.uint8)))
    with pytest.raises(ValueError, match="15 chunks were not put"):
        stream.close()
    stream.discard()
    assert (volume.read(volume.box).result() == 1).all()
    assert sorted(each.url.name for each in store.walk(lake)) == ["0", "zarr.json"]


def test_damage_is_told_and_never_read(lake: StoreURL) -> None:
    volume = new_volume(lake / "a", (8, 16, 32), "uint8")
    voxels = np.random.default_rng(0).integers(0, 200, volume.shape).astype("uint8")
    write_stream(volume, voxels, (4, 8, 8))
    url = volume.shard_url((0, 0, 0))
    whole = store.read(url).body
    rng = np.random.default_rng(1)
    for turn, bit in enumerate(rng.integers(0, len(whole) * 8, 300).tolist()):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        store.write(url, bytes(changed) if turn % 10 else whole[: bit // 8])
        if url.is_local:
            os.utime(url.path, ns=(0, turn * 1_000_000_000))
        with pytest.raises(CorruptDataError):
            read_stream(volume, (4, 8, 8))


def test_other_codings_are_left_to_tensorstore(lake: StoreURL) -> None:
    blosc = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "gzip", "configuration": {"level": 1}},
    ]
    volume = new_volume(lake / "a", (8, 16, 32), "uint8", codecs=blosc)
    assert find_shard_format(volume) is None
    with pytest.raises(UnsupportedError, match="not coded as voxlake does"):
        stream_shard(volume, (0, 0, 0))
