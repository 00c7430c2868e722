"""Indexing a shard: the sidecar on the store equals brute force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.label_index.samples import SHARD, as_tuples, bodies, brute_rows, filled, new_volume

from voxlake.ngff.box import Box
from voxlake.ngff.label_index import ShardIndexed, index_shard
from voxlake.ngff.label_index.sidecar import decode, origin_of, sidecar_url
from voxlake.ngff.shard import write_shard
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError, UnsupportedError

if TYPE_CHECKING:
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
        assert sidecar.origin == origin_of(volume, cell, etag)
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
    assert write_shard(volume, (0, 0, 0), np.zeros(SHARD, np.uint64)) is None
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
