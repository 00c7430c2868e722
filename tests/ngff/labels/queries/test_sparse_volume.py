"""Sparse volumes and masks: equal to NumPy's, whatever the state of the index and who writes."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.queries.samples import as_runs, brute_runs
from tests.ngff.labels.queries.test_in_box import boxes, index_all
from tests.ngff.labels.samples import CHUNK, SHAPE, SHARD, bodies, dead_store, filled
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.grid.box import Box, cell_box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.mapping import Mapping
from voxlake.ngff.labels.mapping.table import pairs_of
from voxlake.ngff.labels.queries import voxels as parts
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.shards.whole import write_shard
from voxlake.platform import store
from voxlake.platform.errors import (
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    OutOfBoundsError,
    StoreError,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SEED = 31
VOXELS = bodies(SEED)
LABELS = [int(label) for label in np.unique(VOXELS) if label]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Volume, StoreURL]:
    url = store.StoreURL.parse(str(tmp_path_factory.mktemp("indexed")))
    volume = filled(url / "labels", VOXELS)
    index_all(volume, url / "index")
    return volume, url / "index"


@pytest.fixture(params=[64, 0], ids=["few-shards", "by-label"])
def few_shards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with the shards of a box asked one by one, and after asking for the label."""
    monkeypatch.setattr(parts, "FEW_SHARDS", request.param)


def assert_exact(
    volume: Volume, index: StoreURL, voxels: npt.NDArray[np.uint64], label: int, box: Box
) -> None:
    found = as_runs(Labels(volume, index).view().sparse_volume(label, box))
    assert found == brute_runs(voxels, label, box)
    mask = Labels(volume, index).view().mask(label, box)
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, voxels[box.slices] == np.uint64(label))


@pytest.mark.usefixtures("few_shards")
@settings(max_examples=24)
@given(box=boxes(), label=st.sampled_from([*LABELS, 424242]))
def test_random_boxes_equal_brute_force(
    indexed: tuple[Volume, StoreURL], box: Box, label: int
) -> None:
    assert_exact(*indexed, VOXELS, label, box)


@settings(max_examples=15)
@given(box=boxes(), labels=st.sets(st.sampled_from([*LABELS, 424242]), min_size=1, max_size=4))
def test_masks_of_a_body(indexed: tuple[Volume, StoreURL], box: Box, labels: set[int]) -> None:
    mapping = Mapping(1, pairs_of(list(labels), [99] * len(labels)))
    mask = Labels(*indexed, mapping).view().mask(99, box)
    assert np.array_equal(mask, np.isin(VOXELS[box.slices], np.array(list(labels), np.uint64)))


def test_whole_labels_on_every_store(any_store: StoreURL) -> None:
    voxels = bodies(32)
    volume, index = filled(any_store / "labels", voxels), any_store / "index"
    index_all(volume, index)
    for label in (1, 1 << 32):
        assert as_runs(Labels(volume, index).view().sparse_volume(label)) == brute_runs(
            voxels, label, volume.box
        )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_narrow_labels_and_ids_they_cannot_hold(lake: StoreURL, dtype: str) -> None:
    voxels = (bodies(33) % np.uint64(200)).astype(dtype)
    volume = filled(lake / "labels", voxels)
    index_all(volume, lake / "index")
    box = Box((1, 2, 3), (22, 27, 30))
    for label in (1, 55, (1 << 32) + 1):
        assert_exact(volume, lake / "index", voxels.astype(np.uint64), label, box)


@pytest.mark.usefixtures("few_shards")
def test_stale_damaged_and_missing_sidecars_are_made_good_from_voxels(lake: StoreURL) -> None:
    voxels, index = bodies(34), lake / "index"
    volume = filled(lake / "labels", voxels)
    index_all(volume, index)
    patch = Box((0, 0, 0), (7, 3, 14))
    voxels[patch.slices] = 12345
    volume.write(patch, voxels[patch.slices]).result()
    store.write(sidecar_url(index, (0, 1, 0)), b"garbage")
    store.delete(sidecar_url(index, (1, 1, 1)))
    gone = volume.shard_box((2, 0, 0))
    voxels[gone.slices] = 0
    write_shard(volume, (2, 0, 0), voxels[gone.slices])
    for label in (1, 2, 12345):
        assert_exact(volume, index, voxels, label, volume.box)


@pytest.mark.usefixtures("few_shards")
def test_runs_by_label_and_writes_since(lake: StoreURL) -> None:
    voxels, index = bodies(38), lake / "index"
    volume = filled(lake / "labels", voxels)
    index_all(volume, index)
    compact(Labels(volume, index))
    marked, foreign = Box((5, 3, 1), (12, 20, 30)), Box((14, 0, 14), (23, 14, 18))
    voxels[marked.slices] = 77
    write_labels(volume, index, marked, voxels[marked.slices])
    voxels[foreign.slices] = 78
    volume.write(foreign, voxels[foreign.slices]).result()
    assert audit(Labels(volume, index)).marked
    for label in (1, 77, 78):
        assert_exact(volume, index, voxels, label, volume.box)
    compact(Labels(volume, index))
    for label in (1, 77, 78):
        assert_exact(volume, index, voxels, label, volume.box)


def test_a_label_that_was_erased_is_nowhere(lake: StoreURL) -> None:
    voxels, index = bodies(35), lake / "index"
    volume = filled(lake / "labels", voxels)
    index_all(volume, index)
    voxels[voxels == 2] = 0
    volume.write(volume.box, voxels).result()
    assert list(Labels(volume, index).view().sparse_volume(2)) == []
    assert not Labels(volume, index).view().mask(2, volume.box).any()
    with pytest.raises(NotFoundError):
        Labels(volume, index).view().coarse_volume(2)


@pytest.mark.folder
def test_chunks_that_a_label_fills_are_not_read(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = np.zeros(SHAPE, np.uint64)
    voxels[2:15, 4:13, 3:27] = 7
    voxels[20, 20, 20] = 7
    volume, index = filled(lake / "labels", voxels), lake / "index"
    index_all(volume, index)
    for shard in lake.path.glob("labels/c/*/*/*"):
        # Of the same size and time, so of the same ETag: only who reads voxels can tell.
        stat = shard.stat()
        with shard.open("r+b") as file:
            file.write(bytes(stat.st_size))
        os.utime(shard, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    box = Box((3, 3, 3), (23, 29, 31))
    assert_exact(volume, index, voxels, 7, box)


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("reindexed", [True, False])
def test_shards_rewritten_meanwhile_are_seen_in_one_state(lake: StoreURL, reindexed: bool) -> None:
    """Whole shards alternate between two states; a mix of both in one of them would be wrong."""
    first, second = bodies(36), bodies(37)
    volume, index = filled(lake / "labels", first), lake / "index"
    index_all(volume, index)
    label, box, done = 1, Box((0, 1, 2), (16, 20, 31)), threading.Event()

    def write() -> None:
        for number in range(1_000_000):
            for cell in box.cells(SHARD):
                if done.is_set():
                    return
                voxels = (first, second)[number % 2][volume.shard_box(cell).slices]
                write_shard(volume, cell, voxels)
                if reindexed:
                    index_shard(volume, cell, index)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(8):
            mask = Labels(volume, index).view().mask(label, box)
            for tile in box.tiles(SHARD):
                found = mask[tile.within(box).slices]
                states = [(voxels[tile.slices] == label) for voxels in (first, second)]
                assert any(np.array_equal(found, state) for state in states)
    finally:
        done.set()
        writer.join()


@settings(max_examples=15)
@given(box=boxes(), label=st.sampled_from(LABELS))
def test_coarse_volumes_equal_brute_force(
    indexed: tuple[Volume, StoreURL], box: Box, label: int
) -> None:
    volume, _ = indexed
    chunks = np.zeros([-(-n // edge) for n, edge in zip(SHAPE, CHUNK, strict=True)], np.uint64)
    for cell in volume.box.cells(CHUNK):
        whole = cell_box(cell, CHUNK)
        touched = not (whole & box).is_empty
        chunks[cell] = touched and bool((VOXELS[whole.slices] == np.uint64(label)).any())
    runs = Labels(*indexed).view().coarse_volume(label, box)
    assert (as_runs([runs]) if len(runs) else []) == brute_runs(
        chunks, 1, Box.of_shape(chunks.shape)
    )


def test_limits_and_what_cannot_be_asked(indexed: tuple[Volume, StoreURL]) -> None:
    volume, index = indexed
    total = sum(map(len, Labels(volume, index).view().sparse_volume(1)))
    assert sum(map(len, Labels(volume, index).view().sparse_volume(1, max_runs=total))) == total
    with pytest.raises(LimitExceededError, match="smaller box"):
        list(Labels(volume, index).view().sparse_volume(1, max_runs=total - 1))
    with pytest.raises(LimitExceededError, match="smaller boxes"):
        Labels(volume, index).view().mask(1, volume.box, max_voxels=volume.box.size - 1)
    outside = Box((0, 0, 0), (24, 1, 1))
    for label, box, error in (
        (0, None, InvalidInputError),
        (1 << 64, None, InvalidInputError),
        (1, outside, OutOfBoundsError),
    ):
        with pytest.raises(error):
            Labels(volume, index).view().sparse_volume(label, box)
    with pytest.raises(OutOfBoundsError):
        Labels(volume, index).view().mask(1, outside)


def test_a_store_that_fails_is_not_an_empty_answer(
    indexed: tuple[Volume, StoreURL], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, dead = indexed[0], dead_store(monkeypatch)
    with pytest.raises(StoreError):
        list(Labels(volume, dead).view().sparse_volume(1))
    with pytest.raises(StoreError):
        Labels(volume, dead).view().mask(1, volume.box)


def test_a_stream_that_is_left_ends(indexed: tuple[Volume, StoreURL]) -> None:
    before = threading.active_count()
    stream = Labels(*indexed).view().sparse_volume(1)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator, as its type does not say
    assert threading.active_count() == before
