"""Indexing a shard: the sidecar on the store equals brute force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.samples import SHARD, as_tuples, bodies, brute_rows, filled, new_volume
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.scan import stored as scanning
from voxlake.ngff.labels.sidecars.build import ShardIndexed, ensure_indexed, index_shard
from voxlake.ngff.labels.sidecars.sidecar import content_of, decode, origin_of, sidecar_url
from voxlake.ngff.shards.format import find_shard_format
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from voxlake.platform.store import StoreURL


def test_the_sidecar_of_any_shard_equals_brute_force(any_store: StoreURL) -> None:
    voxels = bodies(5)
    volume, index = filled(any_store / "labels", voxels), any_store / "index"
    for cell in volume.box.cells(volume.shard):
        done = index_shard(volume, cell, index)
        stored = store.read(sidecar_url(index, cell))
        sidecar = decode(stored.body)
        expected = brute_rows(volume, cell, voxels)
        assert as_tuples(sidecar.rows) == expected
        etag = store.head(volume.shard_url(cell)).etag
        content = content_of(store.read(volume.shard_url(cell)).body)
        assert sidecar.origin == origin_of(volume, cell, etag, content)
        block = voxels[volume.shard_box(cell).slices]
        assert done == ShardIndexed(
            len(expected),
            len(np.unique(block[block != 0])),
            int(np.count_nonzero(block)),
            len(stored.body),
        )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_narrow_labels(lake: StoreURL, dtype: str) -> None:
    voxels = bodies(6).astype(dtype)
    volume = filled(lake / "labels", voxels)
    index_shard(volume, (0, 1, 1), lake / "index")
    sidecar = decode(store.read(sidecar_url(lake / "index", (0, 1, 1))).body)
    assert as_tuples(sidecar.rows) == brute_rows(volume, (0, 1, 1), voxels)


def test_unsharded_labels(lake: StoreURL) -> None:
    volume, voxels = new_volume(lake / "labels", shard=None), bodies(7)
    volume.write(volume.box, voxels).result()
    cell = (2, 3, 1)
    index_shard(volume, cell, lake / "index")
    sidecar = decode(store.read(sidecar_url(lake / "index", cell)).body)
    assert as_tuples(sidecar.rows) == brute_rows(volume, cell, voxels)


def test_indexing_twice_writes_the_same_bytes(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(8))
    first = index_shard(volume, (0, 0, 0), lake / "index")
    body = store.read(sidecar_url(lake / "index", (0, 0, 0))).body
    assert index_shard(volume, (0, 0, 0), lake / "index") == first
    assert store.read(sidecar_url(lake / "index", (0, 0, 0))).body == body


def test_the_sidecar_of_a_shard_that_is_gone_is_deleted(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(9))
    assert index_shard(volume, (0, 0, 0), lake / "index").rows > 0
    store.delete(volume.shard_url((0, 0, 0)))
    assert index_shard(volume, (0, 0, 0), lake / "index") == ShardIndexed(0, 0, 0, 0)
    with pytest.raises(ObjectNotFoundError):
        store.head(sidecar_url(lake / "index", (0, 0, 0)))
    assert index_shard(volume, (0, 0, 0), lake / "index") == ShardIndexed(0, 0, 0, 0)


def test_a_stored_shard_of_background_has_a_sidecar_without_rows(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels")
    volume.write(Box((0, 0, 0), SHARD), np.zeros(SHARD, np.uint64)).result()
    done = index_shard(volume, (0, 0, 0), lake / "index")
    assert (done.rows, done.labels, done.voxels) == (0, 0, 0)
    assert len(decode(store.read(sidecar_url(lake / "index", (0, 0, 0))).body).rows) == 0


def test_a_damaged_shard_is_reported_and_not_indexed(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(10))
    store.write(volume.shard_url((0, 0, 0)), b"torn" * 10)
    with pytest.raises(CorruptDataError):
        index_shard(volume, (0, 0, 0), lake / "index")
    assert list(store.walk(lake / "index")) == []


def test_images_are_refused(lake: StoreURL) -> None:
    volume = new_volume(lake / "image", dtype="float32")
    with pytest.raises(UnsupportedError, match="unsigned integers"):
        index_shard(volume, (0, 0, 0), lake / "index")


def _shuffled[T](works: Iterable[Callable[[], T]], /) -> Iterator[T]:
    """Run the last piece first, as threads might."""
    pieces = list(works)
    answers = [work() for work in reversed(pieces)]
    yield from reversed(answers)


@pytest.mark.parametrize("batch", [1, 3 * 4 * 4 * 8 * 8, 1 << 20])
def test_chunks_may_be_scanned_in_any_batches_and_order(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(scanning, "BATCH_BYTES", batch)
    voxels = bodies(11)
    volume = filled(lake / "labels", voxels)
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, lake / "index", _shuffled)
        sidecar = decode(store.read(sidecar_url(lake / "index", cell)).body)
        assert as_tuples(sidecar.rows) == brute_rows(volume, cell, voxels)


@pytest.mark.parametrize("compressor", [GzipCodec(), BloscCodec(), None])
def test_other_codings_go_through_the_general_reader(
    lake: StoreURL, compressor: GzipCodec | BloscCodec | None
) -> None:
    voxels = bodies(12)
    volume = new_volume(lake / "labels", compressors=compressor)
    volume.write(volume.box, voxels).result()
    assert find_shard_format(volume) is None
    index_shard(volume, (1, 1, 1), lake / "index")
    sidecar = decode(store.read(sidecar_url(lake / "index", (1, 1, 1))).body)
    assert as_tuples(sidecar.rows) == brute_rows(volume, (1, 1, 1), voxels)


def test_rows_and_etag_are_of_one_state_of_the_shard(any_store: StoreURL) -> None:
    before, after = bodies(13), bodies(14)
    volume, index, cell = filled(any_store / "labels", before), any_store / "index", (0, 0, 0)
    box = volume.shard_box(cell)
    etag = store.head(volume.shard_url(cell)).etag

    def overtaken[T](works: Iterable[Callable[[], T]], /) -> Iterator[T]:
        for number, work in enumerate(works):
            if number == 0:
                volume.write(box, after[box.slices]).result()
            yield work()

    index_shard(volume, cell, index, overtaken)
    sidecar = decode(store.read(sidecar_url(index, cell)).body)
    assert sidecar.origin.etag == etag != store.head(volume.shard_url(cell)).etag
    assert as_tuples(sidecar.rows) == brute_rows(volume, cell, before)
    ensure_indexed(volume, cell, index)
    sidecar = decode(store.read(sidecar_url(index, cell)).body)
    assert as_tuples(sidecar.rows) == brute_rows(volume, cell, after)


@pytest.mark.parametrize("place", ["index", "chunk", "end"])
def test_damage_anywhere_is_reported_and_no_sidecar_written(lake: StoreURL, place: str) -> None:
    volume = new_volume(lake / "labels", compressors=ZstdCodec(level=3, checksum=True))
    volume.write(volume.box, bodies(15)).result()
    url = volume.shard_url((0, 0, 0))
    body = bytearray(store.read(url).body)
    if place == "end":
        del body[len(body) // 2 :]
    else:
        body[-9 if place == "index" else 40] ^= 1
    store.write(url, bytes(body))
    with pytest.raises(CorruptDataError, match=r"damaged|truncated"):
        index_shard(volume, (0, 0, 0), lake / "index")
    assert list(store.walk(lake / "index")) == []


def test_a_trusted_sidecar_is_kept_and_any_other_made_anew(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = bodies(16)
    volume, index, cell = filled(lake / "labels", voxels), lake / "index", (0, 1, 0)
    url = sidecar_url(index, cell)
    first = ensure_indexed(volume, cell, index)
    kept = store.head(url).etag
    with monkeypatch.context() as patched:
        patched.setattr(scanning, "unpack_chunks", None)  # Decoding would fail.
        assert ensure_indexed(volume, cell, index) == first
    assert store.head(url).etag == kept
    store.write(url, store.read(url).body[:-30])
    assert ensure_indexed(volume, cell, index) == first
    assert as_tuples(decode(store.read(url).body).rows) == brute_rows(volume, cell, voxels)
    store.delete(volume.shard_url(cell))
    assert ensure_indexed(volume, cell, index) == ShardIndexed(0, 0, 0, 0)
    assert list(store.walk(index)) == []
