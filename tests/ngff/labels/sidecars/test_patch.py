"""Patches of sidecars: what they say together is what the voxels have."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ngff.labels.samples import bodies, filled

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels import writing
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.scan.rows import Rows, find_rows
from voxlake.ngff.labels.sidecars import patch as patches
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.patch import merged_rows, patch_url, read_patch
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.sidecars.trust import shard_etag, trusted_rows
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.shards.splice import keep_where_zero, overwrite
from voxlake.ngff.shards.whole import read_shard
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

CELL = (0, 1, 1)


@pytest.fixture
def labels(lake: StoreURL) -> Labels:
    volume = filled(lake / "labels", bodies(7))
    index_shard(volume, CELL, lake / "index")
    return Labels(volume, lake / "index")


def assert_same(found: Rows | None, expected: Rows) -> None:
    assert found is not None
    for field in fields(Rows):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other, field.name)


def true_rows(volume: Volume, cell: tuple[int, ...]) -> Rows:
    return find_rows(volume, cell, read_shard(volume, cell)[0])


def check(labels: Labels, cell: tuple[int, ...] = CELL) -> None:
    """Hold what is trusted of a shard against its voxels."""
    etag = shard_etag(labels.volume, cell)
    assert etag is not None
    found = trusted_rows(labels.volume, labels.index_url, cell, etag)
    assert_same(found, true_rows(labels.volume, cell))


def paint(labels: Labels, label: int, at: int, blend: Any = overwrite) -> None:
    start = labels.volume.shard_box(CELL).start
    box = Box(tuple(n + at for n in start), tuple(n + at + 3 for n in start))
    voxels = np.full(box.shape, label, np.uint64)
    voxels[1] = 0
    write_labels(labels, box, voxels, blend)


def table(lines: list[tuple[int, int]]) -> Rows:
    """Rows of those labels and chunks, sorted."""
    ordered = sorted(set(lines))
    labels = np.array([label for label, _ in ordered], np.uint64)
    chunks = np.array([chunk for _, chunk in ordered], np.uint16)
    count = np.arange(len(ordered))
    corners = np.stack([count] * 3, 1).reshape(-1, 3)
    return Rows(labels, chunks, labels * 3 + chunks, corners, corners + 1)


LINES = st.tuples(st.sampled_from([1, 2, 3, 2**53 + 1, 2**64 - 1]), st.integers(0, 2**16 - 1))


@given(st.lists(LINES, max_size=30), st.lists(LINES, max_size=30))
def test_merged_rows_are_sorted(many: list[tuple[int, int]], few: list[tuple[int, int]]) -> None:
    few = [line for line in few if line[1] not in {chunk for _, chunk in many}]
    found, both = merged_rows(table(many), table(few)), sorted({*many, *few})
    assert list(zip(found.labels.tolist(), found.chunks.tolist(), strict=True)) == both
    np.testing.assert_array_equal(found.voxels, found.labels * 3 + found.chunks)


def test_a_patch_and_its_sidecar_are_what_the_voxels_have(labels: Labels) -> None:
    before = store.head(sidecar_url(labels.index_url, CELL)).etag
    for number in range(4):
        paint(labels, 77 + number, number, (overwrite, keep_where_zero)[number % 2])
        check(labels)
        found = read_patch(labels.index_url, CELL)
        assert found is not None
        assert set(found.rows.chunks.tolist()) <= set(found.origin.chunks)
    assert store.head(sidecar_url(labels.index_url, CELL)).etag == before


def test_a_patch_that_has_grown_is_folded(labels: Labels, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(labels, 4, 2)
    before = store.head(sidecar_url(labels.index_url, CELL)).etag
    monkeypatch.setattr(patches, "FEW_ROWS", 0)
    monkeypatch.setattr(patches, "SHARE", 1 << 40)
    monkeypatch.delattr(writing, "rows_in")  # no voxel is asked but those that change
    paint(labels, 5, 0)
    assert store.head(sidecar_url(labels.index_url, CELL)).etag != before
    check(labels)
    monkeypatch.undo()
    paint(labels, 6, 1)
    check(labels)


@pytest.mark.parametrize("damage", ["gone", "garbage", "of another state", "below another"])
def test_a_patch_that_does_not_hold_is_not_believed(labels: Labels, damage: str) -> None:
    paint(labels, 5, 0)
    url = patch_url(labels.index_url, CELL)
    old = store.read(url).body
    if damage == "gone":
        store.delete(url)
    elif damage == "garbage":
        store.write(url, b"garbage")
    elif damage == "of another state":
        paint(labels, 6, 1)
        store.write(url, old)
    else:
        index_shard(labels.volume, CELL, labels.index_url)
        labels.volume.write(Box((0, 12, 16), (1, 13, 17)), np.full((1, 1, 1), 9, "u8")).result()
    etag = shard_etag(labels.volume, CELL)
    assert etag is not None
    assert trusted_rows(labels.volume, labels.index_url, CELL, etag) is None
    paint(labels, 8, 2)  # heals it
    check(labels)


def test_an_erased_shard_has_no_rows(labels: Labels) -> None:
    paint(labels, 5, 0)
    box = labels.volume.shard_box(CELL)
    write_labels(labels, box, np.zeros(box.shape, np.uint64))
    assert store.head(labels.volume.shard_url(CELL)).size < 400, "it has chunks"
    check(labels)
    paint(labels, 5, 1)
    check(labels)
    paint(labels, 6, 2)
    check(labels)


def test_the_bytes_that_are_written_follow_what_changes(lake: StoreURL) -> None:
    volume = filled(lake / "labels", bodies(7, (64, 96, 128), block=3))
    labels = Labels(volume, lake / "index")
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, labels.index_url)
    paint(labels, 5, 0)
    whole = store.head(sidecar_url(labels.index_url, CELL)).size
    assert store.head(patch_url(labels.index_url, CELL)).size < whole
