"""One label and all labels, merged from the sidecars, against brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.ngff.labels.queries.test_in_box import index_all
from tests.ngff.labels.samples import CHUNK, SHARD, bodies, dead_store, filled, new_volume

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.table import LabelExtent
from voxlake.ngff.shards.whole import write_shard
from voxlake.platform import store
from voxlake.platform.errors import InvalidInputError, NotFoundError, StoreError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


def brute_extent(voxels: npt.NDArray[Any], label: int) -> LabelExtent:
    where = np.argwhere(voxels == np.uint64(label))
    low, high = where.min(axis=0), where.max(axis=0) + 1
    chunks, shards = (len(np.unique(where // grid, axis=0)) for grid in (CHUNK, SHARD))
    box = Box(tuple(low.tolist()), tuple(high.tolist()))
    return LabelExtent(label, len(where), box, chunks, shards)


def labels_of(voxels: npt.NDArray[Any]) -> list[int]:
    return [int(label) for label in np.unique(voxels) if label]


def assert_all_exact(volume: Volume, index: StoreURL, voxels: npt.NDArray[Any]) -> None:
    expected = [brute_extent(voxels, label) for label in labels_of(voxels)]
    assert [Labels(volume, index).view().extent(one.label) for one in expected] == expected
    table = Labels(volume, index).view().all()
    assert [
        LabelExtent(
            int(table.labels[line]),
            int(table.voxels[line]),
            Box(tuple(table.start[line].tolist()), tuple(table.stop[line].tolist())),
            int(table.chunks[line]),
            int(table.shards[line]),
        )
        for line in range(len(table))
    ] == expected


@pytest.mark.parametrize("seed", [20, 21, 22, 23])
def test_extents_equal_brute_force(memory_store: StoreURL, seed: int) -> None:
    voxels = bodies(seed)
    volume = filled(memory_store / "labels", voxels)
    index_all(volume, memory_store / "index")
    assert_all_exact(volume, memory_store / "index", voxels)


def test_extents_on_every_store(any_store: StoreURL) -> None:
    voxels = bodies(24)
    volume, index = filled(any_store / "labels", voxels), any_store / "index"
    index_all(volume, index)
    status = index_status(Labels(volume, index))
    assert (status.indexed, status.stale, status.missing) == (status.shards, 0, 0)
    label = labels_of(voxels)[-1]
    assert Labels(volume, index).view().extent(label) == brute_extent(voxels, label)
    assert Labels(volume, index).view().all().labels.tolist() == labels_of(voxels)


def test_the_largest_labels_come_first(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels")
    voxels = np.zeros(volume.shape, np.uint64)
    for z, (label, count) in enumerate({(1 << 64) - 1: 3, 9: 7, 5: 3, 4: 1}.items()):
        voxels[z, 2, :count] = label
    volume.write(volume.box, voxels).result()
    top = Labels(volume, lake / "index").view().all().largest(3)
    assert top.labels.tolist() == [9, 5, (1 << 64) - 1]
    assert top.voxels.tolist() == [7, 3, 3]


def test_stale_damaged_and_missing_sidecars_are_made_good_from_voxels(lake: StoreURL) -> None:
    voxels, index = bodies(25), lake / "index"
    volume = filled(lake / "labels", voxels)
    index_all(volume, index)
    patch = Box((0, 0, 0), (2, 3, 4))
    voxels[patch.slices] = 12345
    volume.write(patch, voxels[patch.slices]).result()
    store.write(sidecar_url(index, (0, 1, 0)), b"garbage")
    store.delete(sidecar_url(index, (1, 1, 1)))
    gone = volume.shard_box((2, 0, 0))
    voxels[gone.slices] = 0
    write_shard(volume, (2, 0, 0), voxels[gone.slices])
    assert_all_exact(volume, index, voxels)


def test_the_state_of_the_index(lake: StoreURL) -> None:
    volume, index = filled(lake / "labels", bodies(26)), lake / "index"
    shards = len(list(volume.box.cells(SHARD)))
    empty = index_status(Labels(volume, index))
    assert (empty.shards, empty.missing, empty.indexed, empty.bytes) == (shards, shards, 0, 0)
    done = [index_shard(volume, cell, index) for cell in volume.box.cells(SHARD)]
    full = index_status(Labels(volume, index))
    assert (full.indexed, full.stale, full.missing) == (shards, 0, 0)
    assert full.rows == sum(one.rows for one in done)
    assert full.bytes == sum(one.bytes for one in done)
    volume.write(Box((0, 0, 0), (1, 1, 1)), np.full((1, 1, 1), 3, np.uint64)).result()
    store.write(sidecar_url(index, (0, 1, 0)), b"garbage")
    store.delete(sidecar_url(index, (1, 1, 1)))
    store.delete(volume.shard_url((2, 0, 0)))
    mixed = index_status(Labels(volume, index))
    assert (mixed.shards, mixed.indexed, mixed.stale, mixed.missing) == (
        shards - 1,
        shards - 4,
        2,
        1,
    )


def test_a_label_that_is_nowhere(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(27))
    with pytest.raises(NotFoundError, match="no voxel"):
        Labels(volume, lake / "index").view().extent(424242)
    for label in (0, -1, 1 << 64):
        with pytest.raises(InvalidInputError, match="no label"):
            Labels(volume, lake / "index").view().extent(label)
    assert len(Labels(new_volume(lake / "empty"), lake / "index").view().all()) == 0


def test_a_store_that_fails_is_not_a_label_that_is_nowhere(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, dead = filled(lake / "labels", bodies(28)), dead_store(monkeypatch)
    index_all(volume, lake / "index")
    for ask in (lambda labels: labels.view().all(), index_status):
        with pytest.raises(StoreError):
            ask(Labels(volume, dead))
        with pytest.raises(StoreError):
            ask(Labels(replace(volume, url=dead), lake / "index"))
