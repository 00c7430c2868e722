"""Writing labels with the index kept true."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.queries.test_in_box import index_all
from tests.ngff.labels.samples import CHUNK, bodies, filled
from tests.ngff.labels.writing import write_labels
from tests.servers.disk import StrictDisk

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.marker import list_markers, read_marker
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path


def test_a_write_is_indexed_and_marked(any_store: StoreURL) -> None:
    voxels, index = bodies(30), any_store / "index"
    volume = filled(any_store / "labels", voxels)
    index_all(volume, index)
    box = Box((1, 2, 3), (7, 9, 11))
    patch = np.full(box.shape, 77, np.uint64)
    write_labels(volume, index, box, patch, by="ada")
    voxels[box.slices] = patch
    status = index_status(Labels(volume, index))
    assert (status.indexed, status.stale, status.missing) == (status.shards, 0, 0)
    markers = list_markers(index)
    assert {marker.cell for marker in markers} == set(box.cells(volume.shard))
    states = [read_marker(marker) for marker in markers]
    assert all(state is not None and (state.state, state.by) == ("done", "ada") for state in states)
    expected = np.unique(np.argwhere(voxels == 77) // CHUNK, axis=0)
    assert np.array_equal(Labels(volume, index).view().chunks(77), expected)


def test_a_write_that_is_refused_leaves_no_mark(lake: StoreURL) -> None:
    volume, index = filled(lake / "labels", bodies(31)), lake / "index"
    with pytest.raises(InvalidInputError, match="give uint64"):
        write_labels(volume, index, Box((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), np.uint8))
    with pytest.raises(OutOfBoundsError):
        write_labels(volume, index, Box((0, 0, 0), (999, 2, 2)), np.ones((999, 2, 2), np.uint64))
    assert list_markers(index) == []


def sync_all(folder: Path) -> None:
    """Sync all files and folders."""
    for path in (folder, *folder.rglob("*")):
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.close(file)


@pytest.mark.folder
def test_a_power_cut_after_a_write_costs_no_voxel_and_no_truth(
    lake: StoreURL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = StrictDisk(lake.path)
    disk.watch(monkeypatch)
    voxels, index = bodies(30), lake / "index"
    volume = filled(lake / "labels", voxels)
    index_all(volume, index)
    compact(Labels(volume, index))
    sync_all(lake.path)  # zarr and TensorStore sync nothing that is seen
    box = Box((1, 2, 3), (7, 9, 11))
    voxels[box.slices] = 77
    write_labels(volume, index, box, voxels[box.slices].copy())
    assert list(store.walk(index / "patches"))  # what a power cut may take
    for key, body in disk.left().items():
        (tmp_path / "left" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "left" / key).write_bytes(body)
    url = StoreURL.parse(str(tmp_path / "left"))
    there = Labels(open_volume(url / "labels"), url / "index")
    np.testing.assert_array_equal(there.volume.read(there.volume.box).result(), voxels)
    where = np.argwhere(voxels == 77)
    extent = there.view().extent(77)
    assert extent.voxels == len(where)
    assert extent.box == Box(tuple(where.min(0)), tuple(where.max(0) + 1))
