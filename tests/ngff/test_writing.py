"""Boxes are written: on a condition, several to a shard at once, to images and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ngff.labels.queries.test_in_box import index_all
from tests.ngff.labels.samples import bodies, filled, new_volume
from zarr.codecs import ZstdCodec

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.upkeep.marker import list_markers, read_marker
from voxlake.ngff.labels.writing import write_label_shard, write_labels
from voxlake.ngff.shards.splice import Change, keep_where_zero, overwrite
from voxlake.ngff.writing import (
    digest_of_states,
    look_at_shards,
    write_shard,
    write_voxels,
)
from voxlake.platform import store
from voxlake.platform.errors import (
    InvalidInputError,
    OutOfBoundsError,
    PreconditionFailedError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

SHAPE, CHUNK, SHARD = (13, 17, 23), (3, 4, 5), (6, 8, 10)
ZSTD = ZstdCodec(level=3, checksum=True)
ONE = Box((0, 0, 0), (1, 1, 1))


def test_a_box_of_an_image_is_that_of_numpy(any_store: StoreURL) -> None:
    volume = new_volume(any_store / "em", SHAPE, CHUNK, SHARD, dtype="int16", compressors=[ZSTD])
    expected, rng = np.zeros(SHAPE, np.int16), np.random.default_rng(1)
    for blend in (overwrite, keep_where_zero):
        box = Box((2, 3, 4), (11, 17, 20))
        voxels = rng.integers(-1, 2, box.shape).astype(np.int16)
        states = write_voxels(volume, box, voxels, blend)
        part = expected[box.slices]
        part[...] = voxels if blend is overwrite else np.where(voxels, voxels, part)
        np.testing.assert_array_equal(volume.read(volume.box).result(), expected)
        assert states == look_at_shards(volume, box)
        assert len(set(states.values())) == len(states) == 12


def test_what_does_not_fit_is_refused(lake: StoreURL) -> None:
    volume = new_volume(lake / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    with pytest.raises(InvalidInputError, match="give uint64"):
        write_voxels(volume, ONE, np.zeros((1, 1, 1), np.uint8))
    with pytest.raises(OutOfBoundsError):
        write_voxels(volume, Box((0, 0, 0), (1, 1, 24)), np.zeros((1, 1, 24), np.uint64))


def test_another_coding_is_overwritten_and_nothing_else(any_store: StoreURL) -> None:
    volume, ones = new_volume(any_store / "em", SHAPE, CHUNK, None), np.ones((1, 1, 1), np.uint64)
    states = write_voxels(volume, ONE, ones)
    assert volume.read(ONE).result() == 1
    with pytest.raises(UnsupportedError, match="only be overwritten"):
        write_voxels(volume, ONE, ones, keep_where_zero)
    with pytest.raises(UnsupportedError, match="leave the condition out"):
        write_shard(volume, (0, 0, 0), [Change(ONE, ones * 2)], states[(0, 0, 0)])
    index = any_store / "index"
    with pytest.raises(UnsupportedError, match="leave the condition out"):
        write_label_shard(Labels(volume, index), (0, 0, 0), [Change(ONE, ones * 2)], "ada", "x")
    assert volume.read(ONE).result() == 1
    assert list_markers(index) == []


def test_a_shard_changes_only_in_the_state_that_is_known(any_store: StoreURL) -> None:
    volume = new_volume(any_store / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    cell, states = (0, 0, 0), [""]
    for value in (1, 2, 0, 3):
        change = Change(ONE, np.full((1, 1, 1), value, np.uint64))
        for wrong in {"", '"x"', *states} - {states[-1]}:
            with pytest.raises(PreconditionFailedError, match="has changed"):
                write_shard(volume, cell, [change], wrong)
        states.append(write_shard(volume, cell, [change], states[-1]))
        assert volume.read(ONE).result() == value
        digest = digest_of_states(volume, {cell: states[-1]})
        assert digest != digest_of_states(volume, {cell: states[-2]})


def test_a_condition_that_fails_leaves_labels_indexed(any_store: StoreURL) -> None:
    volume, index = filled(any_store / "labels", bodies(30)), any_store / "index"
    index_all(volume, index)
    labels, change = Labels(volume, index), Change(ONE, np.full((1, 1, 1), 77, np.uint64))
    before = store.head(volume.shard_url((0, 0, 0))).etag
    with pytest.raises(PreconditionFailedError):
        write_label_shard(labels, (0, 0, 0), [change], "ada", '"x"')
    [marker] = list_markers(index)
    state = read_marker(marker)
    assert state is not None
    assert state.state == "done"
    assert index_status(labels).stale == 0
    etag = write_label_shard(labels, (0, 0, 0), [change], "ada", before)
    assert labels.view().extent(77).voxels == 1
    assert etag == store.head(volume.shard_url((0, 0, 0))).etag


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3), st.booleans()), max_size=8),
    number=st.integers(0, 1 << 40),
)
def test_changes_made_together_are_those_made_one_by_one(
    memory_store: StoreURL, chosen: list[tuple[int, int, bool]], number: int
) -> None:
    """Each in a chunk of its own: inside it, or all of it; labels come, and go again."""
    root = memory_store / f"{number}-{len(store.list_children(memory_store)[0])}"
    rng = np.random.default_rng(number)
    expected = rng.integers(0, 4, SHARD).astype(np.uint64)
    volume = new_volume(root / "labels", SHARD, CHUNK, SHARD, compressors=[ZSTD])
    labels = Labels(volume, root / "index")
    write_labels(labels, volume.box, expected)
    changes = []
    for chunk, value, keeps in {each[0]: each for each in chosen}.values():
        start = np.array(np.unravel_index(chunk, (2, 2, 2))) * CHUNK
        cut = rng.integers(0, 2, (2, 3))
        box = Box(tuple((start + cut[0]).tolist()), tuple((start + CHUNK - cut[1]).tolist()))
        voxels = rng.integers(0, 2, box.shape).astype(np.uint64) * value
        changes.append(Change(box, voxels, keep_where_zero if keeps else overwrite))
        part = expected[box.slices]
        part[...] = np.where(voxels, voxels, part) if keeps else voxels
    write_label_shard(labels, (0, 0, 0), changes)
    np.testing.assert_array_equal(volume.read(volume.box).result(), expected)
    found, counts = np.unique(expected[expected != 0], return_counts=True)
    table = labels.view().all()
    assert table.labels.tolist() == found.tolist()
    assert table.voxels.tolist() == counts.tolist()
