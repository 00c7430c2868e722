"""Writing labels with the index kept true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.queries.test_in_box import index_all
from tests.ngff.labels.samples import CHUNK, bodies, filled
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.upkeep.marker import list_markers, read_marker
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


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
