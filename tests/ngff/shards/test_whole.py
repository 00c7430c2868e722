"""Shards: whole, deterministic, and never decoded to wrong voxels."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
import zarr
from tests.ngff.datasets import Sample, create, fill

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.shards.whole import encode_shard, read_shard, write_shard
from voxlake.ngff.volume import Volume, open_volume
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, InvalidInputError, OutOfBoundsError
from voxlake.platform.store import StoreURL, as_tensorstore, as_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ngff.datasets import Voxels

    from voxlake.ngff.making.create import IndexLocation

IMAGE = Sample(shape=(67, 71, 600))
LABELS = Sample(Kind.LABELS, shape=(33, 67, 600), dtype="uint64", name="seg")
CELLS = {"interior": (0, 0, 0), "edge": (0, 0, 1)}

moments = itertools.count(1)


@pytest.fixture(params=[IMAGE, LABELS], ids=["image", "labels"])
def sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


@pytest.fixture(params=["start", "end"])
def volume(request: pytest.FixtureRequest, lake: StoreURL, sample: Sample) -> Volume:
    return create(lake, sample, request.param).level(0)


@pytest.fixture(params=CELLS)
def cell(request: pytest.FixtureRequest) -> tuple[int, ...]:
    return CELLS[request.param]


def part(sample: Sample, volume: Volume, cell: tuple[int, ...]) -> Voxels:
    return sample.voxels()[volume.shard_box(cell).slices]


def damage(volume: Volume, cell: tuple[int, ...], body: bytes) -> None:
    """Put other bytes in place of a shard, as bad memory or a torn copy would."""
    url = volume.shard_url(cell)
    store.write(url, body)
    # Later than any write before it: two within one tick of the clock look the same to caches.
    if url.is_local:
        os.utime(url.path, ns=(0, next(moments) * 1_000_000_000))


def flips(body: bytes, index: range, seed: int) -> Iterator[bytes]:
    """Yield copies of `body` with one bit changed: 100 in the index, 100 in the chunks."""
    rng = np.random.default_rng(seed)
    chunks = range(index.stop, len(body)) if index.start == 0 else range(index.start)
    ranges = [(part.start * 8, part.stop * 8) for part in (index, chunks)]
    for bit in (int(bit) for lo, hi in ranges for bit in rng.integers(lo, hi, 100)):
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << (bit % 8)
        yield bytes(changed)


def index_of(volume: Volume, body: bytes) -> range:
    """Return the bytes of a shard's index: offset and length of each chunk, then crc32c."""
    chunks = (a // b for a, b in zip(volume.shard, volume.chunk, strict=True))
    size = 16 * int(np.prod(list(chunks))) + 4
    location = volume.metadata["codecs"][0]["configuration"]["index_location"]
    return range(size) if location == "start" else range(len(body) - size, len(body))


def ways_to_read(volume: Volume, cell: tuple[int, ...]) -> list[Any]:
    box = volume.shard_box(cell)
    return [
        lambda: read_shard(volume, cell)[0],
        lambda: volume.read(volume.box).result()[box.slices],
    ]


def test_a_shard_is_read_as_written_with_the_etag_of_its_bytes(
    volume: Volume, sample: Sample, cell: tuple[int, ...]
) -> None:
    voxels = part(sample, volume, cell)
    etag = write_shard(volume, cell, voxels)
    found, same = read_shard(volume, cell)
    np.testing.assert_array_equal(found, voxels)
    assert found.flags.c_contiguous
    assert etag == same == store.head(volume.shard_url(cell)).etag
    assert write_shard(volume, cell, voxels + 1) != etag


def test_what_is_written_is_what_others_read(
    volume: Volume, sample: Sample, cell: tuple[int, ...]
) -> None:
    voxels = part(sample, volume, cell)
    write_shard(volume, cell, voxels)
    box = volume.shard_box(cell).slices
    theirs = ts.open({"driver": "zarr3", "kvstore": as_tensorstore(volume.url)}, open=True).result()
    np.testing.assert_array_equal(theirs[box].read().result(), voxels)
    np.testing.assert_array_equal(zarr.open_array(as_zarr(volume.url), mode="r")[box], voxels)


def test_shards_of_other_codings_are_those_that_tensorstore_writes(lake: StoreURL) -> None:
    made = zarr.create_array(
        as_zarr(lake / "foreign", read_only=False),
        shape=(9, 10, 11),
        chunks=(4, 4, 4),
        shards=(8, 8, 8),
        dtype="uint16",
        compressors=[{"name": "gzip", "configuration": {"level": 1}}],
    )
    voxels = np.random.default_rng(3).integers(0, 9, made.shape).astype("uint16")
    volume = open_volume(lake / "foreign")
    for cell in volume.box.cells(volume.shard):
        write_shard(volume, cell, voxels[volume.shard_box(cell).slices])
    bodies = {info.url: store.read(info.url).body for info in store.walk(volume.url)}
    np.testing.assert_array_equal(made[...], voxels)
    spec = {"driver": "zarr3", "kvstore": as_tensorstore(volume.url)}
    ts.open(spec, open=True).result().write(voxels).result()
    assert bodies == {info.url: store.read(info.url).body for info in store.walk(volume.url)}


def test_the_same_voxels_give_the_same_bytes(
    volume: Volume, sample: Sample, cell: tuple[int, ...]
) -> None:
    voxels = part(sample, volume, cell)
    bodies = {encode_shard(volume, np.asfortranarray(voxels)) for _ in range(3)}
    assert bodies == {encode_shard(volume, voxels)}


def test_a_shard_of_fill_is_not_stored(volume: Volume, sample: Sample) -> None:
    cell = CELLS["interior"]
    voxels = part(sample, volume, cell)
    assert write_shard(volume, cell, np.zeros_like(voxels)) is None
    assert not store.exists(volume.shard_url(cell))
    write_shard(volume, cell, voxels)
    left = write_shard(volume, cell, np.zeros_like(voxels))
    # A DELETE of S3 takes no condition: there an object without chunks takes the place of another.
    assert (left is None) == volume.url.is_local
    assert store.exists(volume.shard_url(cell)) == (left is not None)
    found, etag = read_shard(volume, cell)
    assert etag == left
    assert found.shape == voxels.shape
    assert found.dtype == voxels.dtype
    assert not found.any()


@pytest.mark.parametrize("sample", [Sample(shape=(67, 71, 131)), LABELS], ids=["image", "labels"])
def test_no_flipped_bit_ever_gives_wrong_voxels(volume: Volume, sample: Sample) -> None:
    cell = (0, 0, 0)
    voxels = part(sample, volume, cell)
    write_shard(volume, cell, voxels)
    body = store.read(volume.shard_url(cell)).body
    unnoticed = 0
    for number, changed in enumerate(flips(body, index_of(volume, body), seed=7)):
        damage(volume, cell, changed)
        read = ways_to_read(volume, cell)[number % 2]
        try:
            found = read()
        except CorruptDataError:
            continue
        np.testing.assert_array_equal(found, voxels)
        unnoticed += 1
    # zstd has bits without meaning (RFC 8878, 3.1.1.1.1: a decoder must ignore "Unused_bit"), and
    # in chunks of few labels some bits decode alike. Images leave no room for these.
    assert unnoticed <= (4 if sample.kind is Kind.LABELS else 0)


@pytest.mark.parametrize("location", ["start", "end"])
def test_every_bit_of_the_index_is_guarded(lake: StoreURL, location: IndexLocation) -> None:
    volume = create(lake, Sample(shape=(5, 6, 7)), location).level(0)
    write_shard(volume, (0, 0, 0), Sample(shape=(5, 6, 7)).voxels())
    body = store.read(volume.shard_url((0, 0, 0))).body
    index = index_of(volume, body)
    for bit in range(index.start * 8, index.stop * 8):
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << (bit % 8)
        damage(volume, (0, 0, 0), bytes(changed))
        for read in ways_to_read(volume, (0, 0, 0)):
            with pytest.raises(CorruptDataError, match="damaged"):
                read()


def test_every_truncation_is_reported(volume: Volume, sample: Sample) -> None:
    cell = CELLS["edge"]
    write_shard(volume, cell, part(sample, volume, cell))
    body = store.read(volume.shard_url(cell)).body
    lengths = np.random.default_rng(8).integers(0, len(body), 20)
    size = len(index_of(volume, body))
    for length in (0, 1, size - 1, size, len(body) - 1, *lengths):
        damage(volume, cell, body[:length])
        for read in ways_to_read(volume, cell):
            with pytest.raises(CorruptDataError, match="damaged"):
                read()


def test_a_damaged_shard_is_not_written_into_but_is_mended_whole(
    volume: Volume, sample: Sample, cell: tuple[int, ...]
) -> None:
    voxels = part(sample, volume, cell)
    write_shard(volume, cell, voxels)
    body = store.read(volume.shard_url(cell)).body
    box = next(volume.shard_box(cell).tiles((1, 1, 1)))
    for torn in (b"", body[:50], bytes([body[0] ^ 1]) + body[1:]):
        damage(volume, cell, torn)
        with pytest.raises(CorruptDataError, match="damaged"):
            volume.write(box, np.ones(box.shape, volume.dtype)).result()
        assert store.read(volume.shard_url(cell)).body == torn
        write_shard(volume, cell, voxels)
        assert store.read(volume.shard_url(cell)).body == body


def test_a_cell_outside_the_volume_is_refused(volume: Volume) -> None:
    with pytest.raises(OutOfBoundsError, match=r"\(0, 0, 2\)"):
        read_shard(volume, (0, 0, 2))
    with pytest.raises(OutOfBoundsError):
        write_shard(volume, (-1, 0, 0), np.zeros(volume.shard, volume.dtype))


def test_voxels_that_are_not_the_shard_are_refused(volume: Volume) -> None:
    shape = volume.shard_box((0, 0, 1)).shape
    for wrong in (np.zeros(volume.shard, volume.dtype), np.zeros(shape, np.float32)):
        with pytest.raises(InvalidInputError, match="not the shard"):
            write_shard(volume, (0, 0, 1), wrong)
    assert not store.exists(volume.shard_url((0, 0, 1)))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_arrays_without_shards_are_read_chunk_by_chunk(lake: StoreURL, zarr_format: Any) -> None:
    voxels = np.random.default_rng(9).integers(1, 99, (10, 11, 12), "uint16")
    made = zarr.create_array(
        as_zarr(lake / "plain", read_only=False),
        shape=voxels.shape,
        chunks=(4, 4, 4),
        dtype="uint16",
        zarr_format=zarr_format,
        fill_value=7,
    )
    made[:, :, :9] = voxels[:, :, :9]
    voxels[:, :, 9:] = 7
    volume = open_volume(lake / "plain")
    assert volume.shard == volume.chunk == (4, 4, 4)
    assert volume.fill == 7
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    for cell in volume.box.cells(volume.shard):
        found, _ = read_shard(volume, cell)
        np.testing.assert_array_equal(found, voxels[volume.shard_box(cell).slices])


def test_shards_on_every_store(any_store: StoreURL) -> None:
    dataset = create(any_store, Sample())
    levels = fill(dataset, Sample())
    for number, voxels in enumerate(levels):
        volume = dataset.level(number)
        np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
        for cell in volume.box.cells(volume.shard):
            found, etag = read_shard(volume, cell)
            np.testing.assert_array_equal(found, voxels[volume.shard_box(cell).slices])
            assert etag == store.head(volume.shard_url(cell)).etag
