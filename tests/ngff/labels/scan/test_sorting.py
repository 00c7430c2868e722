"""Rows sorted by label, against NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.samples import as_tuples, bodies, new_volume

from voxlake.ngff.labels.scan.rows import chunk_extents, find_rows, found_in_chunks, joined_rows
from voxlake.ngff.labels.scan.sorting import sorted_by_label

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

LABELS = st.integers(0, 3) | st.integers(250, 260) | st.integers(0, (1 << 64) - 1)


@settings(max_examples=100)
@given(labels=st.lists(LABELS, max_size=400), seed=st.integers(0, 1 << 32))
def test_equal_labels_keep_their_order(labels: list[int], seed: int) -> None:
    keys = np.array(labels, np.uint64)
    order = np.random.default_rng(seed).permutation(len(labels)).astype(np.int64)
    expected = order[np.argsort(keys[order], kind="stable")]
    assert sorted_by_label(keys, order.copy()).tolist() == expected.tolist()


def test_parts_of_a_shard_may_come_in_any_order(lake: StoreURL) -> None:
    volume, cell = new_volume(lake), (0, 0, 0)
    voxels = bodies(2)[volume.shard_box(cell).slices]
    grid = np.array(volume.shard) // np.array(volume.chunk)
    extents = chunk_extents(volume, cell)
    parts = []
    for box in volume.shard_box(cell).tiles(volume.chunk):
        number = int(np.ravel_multi_index(np.array(box.start) // np.array(volume.chunk), grid))
        parts.append(found_in_chunks({number: voxels[box.slices]}, extents))
    expected = as_tuples(find_rows(volume, cell, voxels))
    assert as_tuples(joined_rows(volume, cell, parts)) == expected
    assert as_tuples(joined_rows(volume, cell, parts[::-1])) == expected
    assert as_tuples(joined_rows(volume, cell, parts[1::2] + parts[::2])) == expected
