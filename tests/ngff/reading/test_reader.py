"""Our reader of shards: what it reads equals what TensorStore does, and what goes wrong is told."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, create, fill
from tests.ngff.labels.samples import new_volume
from tests.servers.s3_proxy import s3_proxy
from zarr.codecs import BytesCodec, ShardingCodec, ZstdCodec

from voxlake.ngff.grid.box import Box
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.shards.format import ABSENT
from voxlake.ngff.shards.reader import open_shard
from voxlake.ngff.shards.whole import write_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.deadline import Deadline, until
from voxlake.platform.errors import ConflictError, CorruptDataError, StoreError, TimedOutError
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.memory.disk import DiskCache
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

FIRST = (0, 0, 0)


@dataclass(frozen=True)
class Coded:
    """An array that is coded as voxlake writes."""

    dtype: str
    chunk: tuple[int, ...]
    shard: tuple[int, ...]
    shape: tuple[int, ...]
    fill: float = 0
    index: Literal["start", "end"] = "end"
    checksum: bool = True

    def create(self, url: StoreURL) -> zarr.Array[Any]:
        """Create it by zarr-python."""
        sharding = ShardingCodec(
            chunk_shape=self.chunk,
            codecs=[BytesCodec(), ZstdCodec(level=1, checksum=self.checksum)],
            index_location=self.index,
        )
        return zarr.create_array(
            as_zarr(url, read_only=False),
            shape=self.shape,
            chunks=self.shard,
            dtype=self.dtype,
            fill_value=self.fill,
            serializer=sharding,
            compressors=None,
            filters=None,
        )


@st.composite
def coded(draw: st.DrawFn) -> Coded:
    """Draw arrays of three to five axes, some of odd shapes and types."""
    more = draw(st.integers(0, 2))
    chunk = (1,) * more + tuple(draw(st.integers(1, 7)) for _ in range(3))
    shard = tuple(n * draw(st.integers(1, 3)) for n in chunk)
    shape = tuple(draw(st.integers(1, 2 * n + 1)) for n in shard)
    return Coded(
        draw(st.sampled_from(["uint8", "int16", "uint64", "float32", "bool", "float16"])),
        chunk,
        shard,
        shape,
        draw(st.sampled_from([0, 1])),
        draw(st.sampled_from(["start", "end"])),
        draw(st.booleans()),
    )


def draw_box(data: st.DataObject, shape: tuple[int, ...]) -> Box:
    start = tuple(data.draw(st.integers(0, n)) for n in shape)
    stop = tuple(data.draw(st.integers(lo, n)) for lo, n in zip(start, shape, strict=True))
    return Box(start, stop)


@settings(max_examples=30)
@given(st.data())
def test_any_box_of_any_array_is_read_as_numpy_does(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    url = store.StoreURL.parse(str(tmp_path_factory.mktemp("lake")))
    one = data.draw(coded())
    array = one.create(url / "a")
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    voxels = np.full(one.shape, one.fill, one.dtype)
    written = draw_box(data, one.shape)
    voxels[written.slices] = rng.integers(0, 2 if one.dtype == "bool" else 100, written.shape)
    array[...] = voxels
    volumes = [open_volume(url / "a", cache_bytes) for cache_bytes in (0, 1 << 20)]
    assert all(volume.reader is not None for volume in volumes)
    for _ in range(3):
        box = draw_box(data, one.shape)
        for volume in volumes:
            found = volume.read(box).result()
            assert (found.dtype, found.flags.c_contiguous) == (np.dtype(one.dtype), True)
            np.testing.assert_array_equal(found, voxels[box.slices])


@pytest.fixture
def filled(any_store: StoreURL) -> tuple[Volume, Any]:
    dataset = create(any_store, Sample())
    levels = fill(dataset, Sample())
    return dataset.level(0), levels[0]


def settle(volume: Volume) -> None:
    """Wait until the state of the first shard is old enough to be kept."""
    while not store.open_ranges(volume.shard_url(FIRST)).is_settled:
        time.sleep(0.01)


def test_many_reads_at_a_time(filled: tuple[Volume, Any]) -> None:
    volume, voxels = filled
    tiles = list(volume.box.tiles((16, 32, 131)))
    for _ in range(2):
        for tile, pending in [(tile, volume.read(tile)) for tile in tiles]:
            np.testing.assert_array_equal(pending.result(), voxels[tile.slices])

    async def each() -> None:
        for tile, pending in [(tile, volume.read(tile)) for tile in tiles]:
            np.testing.assert_array_equal(await pending, voxels[tile.slices])

    asyncio.run(each())


def test_memory_is_free_with_the_voxels(filled: tuple[Volume, Any]) -> None:
    """Not when the collector comes by: voxels are large."""
    volume, _ = filled
    gc.disable()
    try:
        found = volume.read(volume.box).result()
        watched = weakref.ref(found)
        del found
        end = time.monotonic() + 10
        while watched() is not None and time.monotonic() < end:
            time.sleep(0.01)  # until threads have let go of it
        assert watched() is None
    finally:
        gc.enable()


def test_what_is_kept_is_not_decoded_again(
    filled: tuple[Volume, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, voxels = filled
    settle(volume)
    volume.read(volume.box).result()
    with monkeypatch.context() as patched:
        patched.setattr("voxlake.ngff.reading.decoding.Decoding.put", None)
        np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    write_shard(volume, FIRST, np.ones_like(voxels))
    assert (volume.read(volume.box).result() == 1).all()
    store.delete(volume.shard_url(FIRST))
    assert not volume.read(volume.box).result().any()


def damaged(volume: Volume) -> Iterator[bytes]:
    """Yield the first shard with some damage each: in a chunk, in the index, cut off."""
    body = store.read(volume.shard_url(FIRST)).body
    entries = open_shard(volume, FIRST).entries
    at, size = entries[entries[:, 0] != ABSENT][0].tolist()
    for place in (at, at + 7, at + size // 2, at + size - 1, len(body) - 30, len(body) - 1):
        yield body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :]
    yield body[:-7]
    yield body[: len(body) // 2]
    yield body[:3]


def test_damage_is_told_and_never_read(filled: tuple[Volume, Any]) -> None:
    volume, _ = filled
    for body in list(damaged(volume)):
        store.write(volume.shard_url(FIRST), body)
        with pytest.raises(CorruptDataError, match=r"damaged|truncated"):
            volume.read(volume.box).result()


@pytest.mark.folder
def test_a_file_that_is_cut_off_while_it_is_read(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = create(lake, Sample())
    fill(dataset, Sample())
    volume = dataset.level(0)
    opened = store.open_ranges

    def cut(url: StoreURL) -> store.RangeReader:
        reader = opened(url)
        _ = reader.read(0, 1)
        with url.path.open("r+b") as file:
            file.truncate(10)
        return reader

    volume.read(volume.box).result()
    settle(volume)
    volume.read(Box((0, 0, 0), (1, 1, 1))).result()  # the index is kept
    fresh = open_volume(volume.url, cache_bytes=0)
    monkeypatch.setattr(store, "open_ranges", cut)
    with pytest.raises(CorruptDataError, match="shorter"):
        fresh.read(fresh.box).result()


@pytest.mark.folder
def test_few_files_are_open_at_a_time(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box may have more shards than a process may have files."""
    volume = new_volume(lake / "a", (32, 32, 32), (4, 4, 4), (8, 8, 8), dtype="uint16")
    voxels = np.random.default_rng(1).integers(0, 99, volume.shape, "uint16")
    volume.write(volume.box, voxels).result()
    real, opened, counts = store.open_ranges, list[weakref.ref[store.RangeReader]](), list[int]()

    def counted(url: StoreURL) -> store.RangeReader:
        reader = real(url)
        opened.append(weakref.ref(reader))
        counts.append(sum(each() is not None for each in opened))
        return reader

    monkeypatch.setattr(store, "open_ranges", counted)
    monkeypatch.setattr("voxlake.ngff.reading.reading.most_threads", lambda: 2)
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    assert len(opened) == 64
    assert max(counts) < 8


def test_a_deadline_ends_a_read(filled: tuple[Volume, Any]) -> None:
    volume, _ = filled
    deadline = Deadline(60)
    deadline.give_up()
    with until(deadline), pytest.raises(TimedOutError):
        volume.read(volume.box).result()


def test_a_read_that_is_given_up_stops(
    filled: tuple[Volume, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, _ = filled
    begun, go_on, done = Event(), Event(), list[int]()

    def put(_: object, start: int, stop: int) -> None:
        begun.set()
        assert go_on.wait(60)
        done.append(stop)

    monkeypatch.setattr("voxlake.ngff.reading.decoding.Decoding.put", put)
    monkeypatch.setattr("voxlake.ngff.reading.reading.most_threads", lambda: 1)

    async def leave() -> None:
        async def ask() -> None:
            await volume.read(volume.box)

        asked = asyncio.create_task(ask())
        await asyncio.to_thread(begun.wait, 30)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        go_on.set()

    asyncio.run(leave())
    time.sleep(0.1)
    assert len(done) == 1


def test_an_empty_shard_is_damage_on_every_store(any_store: StoreURL) -> None:
    """S3 refuses any range of it, as it refuses what it does not have at all."""
    dataset = create(any_store, Sample())
    fill(dataset, Sample())
    volume = dataset.level(0)
    store.write(volume.shard_url(FIRST), b"")
    with pytest.raises(CorruptDataError, match=r"damaged|truncated"):
        volume.read(volume.box).result()


@pytest.mark.folder
def test_a_store_that_fails_is_no_fill(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = create(lake, Sample()).level(0)

    def fail(_: StoreURL) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(store, "open_ranges", fail)
    with pytest.raises(StoreError, match="the disk is gone"):
        volume.read(volume.box).result()


def test_few_requests_are_made(s3_store: StoreURL) -> None:
    """One for an index, one for chunks that are close; one if all is known."""
    dataset = create(s3_store, Sample())
    (voxels, *_) = fill(dataset, Sample())
    assert s3_store.endpoint is not None
    with s3_proxy(s3_store.endpoint) as proxy:
        url = replace(dataset.level_url(0), endpoint=proxy.endpoint)
        volume = open_volume(url)
        for expected in ({"GET range": 2}, {"HEAD": 1}, {"HEAD": 1}):
            proxy.requests.clear()
            np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
            assert proxy.found == expected
        fresh = open_volume(url, 0)
        proxy.requests.clear()
        np.testing.assert_array_equal(fresh.read(volume.box).result(), voxels)
        assert proxy.found == {"GET range": 1}
        part = Box((0, 0, 0), (67, 71, 64))
        counts = []
        for read in (fresh.read, lambda box: fresh.array[box.slices].read()):
            proxy.requests.clear()
            np.testing.assert_array_equal(read(part).result(), voxels[part.slices])
            counts.append(len(proxy.requests))
        assert counts[0] < counts[1]  # TensorStore's


def test_what_is_on_the_disk_is_asked_for_by_its_state_alone(
    s3_store: StoreURL, disk_cache: DiskCache
) -> None:
    dataset = create(s3_store, Sample())
    (voxels, *_) = fill(dataset, Sample())
    assert s3_store.endpoint is not None
    with s3_proxy(s3_store.endpoint) as proxy:
        url = replace(dataset.level_url(0), endpoint=proxy.endpoint)
        part = Box((0, 0, 0), (67, 71, 64))

        def read(box: Box) -> dict[str, int]:
            """Read as a process does that has just started."""
            disk_cache.close()
            disk_cache.open(folder, 64 << 20)
            CACHE.clear()
            volume = open_volume(url, 0)
            proxy.requests.clear()
            np.testing.assert_array_equal(volume.read(box).result(), voxels[box.slices])
            return dict(proxy.found)

        assert disk_cache.folder is not None
        folder = disk_cache.folder
        assert read(part) == {"GET range": 2}
        assert read(part) == {"HEAD": 1}
        assert read(Box.of_shape(voxels.shape)) == {"GET range": 1}
        assert read(Box.of_shape(voxels.shape)) == {"HEAD": 1}
        voxels = np.ones_like(voxels)
        write_shard(dataset.level(0), FIRST, voxels)
        assert read(part) == {"HEAD": 1, "GET range": 2}
        voxels = np.zeros_like(voxels)
        store.delete(dataset.level(0).shard_url(FIRST))
        assert read(part).keys() >= {"HEAD"}


def test_every_read_is_of_one_state(any_store: StoreURL) -> None:
    """While a writer replaces the shards: all chunks of a shard tell the same number."""
    volume = new_volume(any_store / "a", (8, 8, 32), (4, 4, 4), (8, 8, 16), dtype="uint16")
    readers = [open_volume(volume.url, cache_bytes) for cache_bytes in (0, 1 << 20)]
    cells, stop = list(volume.box.cells(volume.shard)), Event()

    def write() -> None:
        number = 1
        while not stop.is_set():
            for cell in cells:
                box = volume.shard_box(cell)
                noise = np.random.default_rng(number).integers(0, 2, box.shape, "uint16")
                write_shard(volume, cell, (noise * (1 << 15) + number).astype("uint16"))
            number = number % 30000 + 1

    for cell in cells:
        write_shard(volume, cell, np.ones(volume.shard_box(cell).shape, "uint16"))
    writer = Thread(target=write)
    writer.start()
    try:
        seen = dict.fromkeys(cells, 0)
        end = time.monotonic() + 60
        while min(seen.values()) <= 3 and time.monotonic() < end:
            for reader in readers:
                voxels = reader.read(reader.box).result() & 0x7FFF
                for cell in cells:
                    states = np.unique(voxels[volume.shard_box(cell).slices])
                    assert len(states) == 1
                    assert states[0] >= seen[cell]  # it goes forwards: nothing kept is stale
                    seen[cell] = int(states[0])
    finally:
        stop.set()
        writer.join()
    assert min(seen.values()) > 3


def test_a_shard_that_always_changes_is_a_conflict(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = create(s3_store, Sample())
    fill(dataset, Sample())
    volume = dataset.level(0)

    async def changed(*_: Any) -> list[memoryview]:
        raise ConflictError("it has changed")

    monkeypatch.setattr(store, "ask_parts", changed)
    with pytest.raises(ConflictError, match="100 times"):
        volume.read(volume.box).result()
