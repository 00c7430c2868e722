"""Scenes: a small volume with its index, what can be done to it, and the check by brute force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.ngff.label_index.samples import new_volume

from voxlake.ngff.label_index import (
    audit,
    compact,
    find_labels,
    label_chunks,
    list_labels,
    write_labels,
)
from voxlake.ngff.label_index import compaction as compaction_
from voxlake.ngff.label_index import merging as merging_
from voxlake.ngff.label_index import publishing as publishing_
from voxlake.ngff.label_index import run as run_
from voxlake.ngff.label_index import sweeping as sweeping_
from voxlake.ngff.label_index.recent import Recent
from voxlake.ngff.label_index.run_rows import shard_number
from voxlake.ngff.label_index.view import ask_in_force, find_rows_in_force

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pytest

    from voxlake.ngff.box import Box
    from voxlake.ngff.label_index.run_rows import RunRows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SHAPE, CHUNK, SHARD = (6, 7, 12), (2, 4, 4), (4, 4, 8)
LABELS = (1, 2, 3, 1 << 40, (1 << 64) - 1)
WANTED = np.array(LABELS, np.uint64)

type ShardRow = tuple[int, int, tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Scene:
    """A volume of labels and its index."""

    volume: Volume
    index: StoreURL

    def voxels(self) -> npt.NDArray[np.uint64]:
        """Return what is stored."""
        return self.volume.read(self.volume.box).result()

    def write(self, box: Box, label: int) -> None:
        """Write as the index asks for it."""
        write_labels(self.volume, self.index, box, np.full(box.shape, label, np.uint64))

    def write_foreign(self, box: Box, label: int) -> None:
        """Write as any program may, past the index."""
        self.volume.write(box, np.full(box.shape, label, np.uint64)).result()

    def compact(self) -> None:
        """Compact, and sweep."""
        compact(self.volume, self.index)

    def audit(self) -> None:
        """Look for foreign writes."""
        audit(self.volume, self.index)

    def close_all(self) -> None:
        """Look for foreign writes, and take every writer for dead."""
        audit(self.volume, self.index, open_age_s=-60)

    def ask(self) -> RunRows:
        """Return the rows of all labels that the scene knows."""
        return ask_in_force(self.volume, self.index, lambda view: find_rows_in_force(view, WANTED))

    def check(self) -> None:
        """Hold every query against NumPy; raise AssertionError if one differs."""
        voxels = self.voxels()
        check_rows(self.volume, self.ask(), [voxels])
        found = find_labels(self.volume, self.index, LABELS)
        table = list_labels(self.volume, self.index)
        present = np.unique(voxels[voxels != 0])
        for each in (found, table):
            assert np.array_equal(each.labels, present)
        for line, label in enumerate(present):
            where = np.argwhere(voxels == label)
            chunks = np.unique(where // CHUNK, axis=0)
            shards = np.unique(where // SHARD, axis=0)
            for each in (found, table):
                assert int(each.voxels[line]) == len(where)
                assert np.array_equal(each.start[line], where.min(axis=0))
                assert np.array_equal(each.stop[line], where.max(axis=0) + 1)
                assert (int(each.chunks[line]), int(each.shards[line])) == (
                    len(chunks),
                    len(shards),
                )
        if len(present):
            label = int(present[0])
            cells = np.unique(np.argwhere(voxels == label) // CHUNK, axis=0)
            assert np.array_equal(label_chunks(self.volume, self.index, label), cells)


def new_scene(url: StoreURL, seed: int = 1) -> Scene:
    """Return a scene with some labels, not indexed."""
    volume = new_volume(url / "labels", SHAPE, CHUNK, SHARD)
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.array([0, 0, *LABELS], np.uint64), (3, 4, 6))
    voxels = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    volume.write(volume.box, np.ascontiguousarray(voxels)).result()
    return Scene(volume, url / "index")


def check_rows(volume: Volume, rows: RunRows, states: list[npt.NDArray[Any]]) -> None:
    """Demand of each shard that its rows are those of one of `states` of the whole volume."""
    found = _by_shard(rows)
    for cell in volume.box.cells(volume.shard):
        number = shard_number(volume, cell)
        allowed = [_brute(volume, cell, voxels) for voxels in states]
        assert found.get(number, []) in allowed, f"shard {cell}"


def in_small_pieces(patch: pytest.MonkeyPatch) -> None:
    """Make runs, parts and row groups so small that little data takes every path."""
    patch.setattr(run_, "GROUP_ROWS", 3)
    patch.setattr(merging_, "GROUP_ROWS", 3)
    patch.setattr(merging_, "MERGE_ROWS", 7)
    patch.setattr(merging_, "MAX_DELTAS", 2)
    patch.setattr(merging_, "MAX_SHARE", 2.0)
    patch.setattr(compaction_, "RUN_ROWS", 12)
    patch.setattr(compaction_, "WINDOW", 3)
    patch.setattr(sweeping_, "KEPT_MANIFESTS", 1)
    # Other processes do not have what this one has read: an object that is gone is missed.
    patch.setattr(Recent, "put", lambda *_: None)


def sweeping_at_once(patch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do `act` with runs of any age swept: for when no other process compacts."""
    with patch.context() as inner:
        inner.setattr(publishing_, "SWEEP_AGE_S", -60.0)
        act()


def _by_shard(rows: RunRows) -> dict[int, list[ShardRow]]:
    found: dict[int, list[ShardRow]] = {}
    ends = np.cumsum(rows.chunk_counts)
    for line in range(len(rows)):
        chunks = rows.chunks[ends[line] - rows.chunk_counts[line] : ends[line]]
        found.setdefault(int(rows.shards[line]), []).append(
            (
                int(rows.labels[line]),
                int(rows.voxels[line]),
                tuple(rows.start[line].tolist()),
                tuple(rows.stop[line].tolist()),
                tuple(chunks.tolist()),
            )
        )
    return found


def _brute(volume: Volume, cell: tuple[int, ...], voxels: npt.NDArray[Any]) -> list[ShardRow]:
    shard = volume.shard_box(cell)
    block = voxels[shard.slices]
    grid = tuple(outer // inner for outer, inner in zip(SHARD, CHUNK, strict=True))
    rows: list[ShardRow] = []
    for label in np.unique(block[block != 0]):
        where = np.argwhere(block == label)
        chunks = np.unique(np.ravel_multi_index(tuple((where // CHUNK).T), grid))
        start, stop = where.min(axis=0) + shard.start, where.max(axis=0) + 1 + shard.start
        rows.append(
            (
                int(label),
                len(where),
                tuple(start.tolist()),
                tuple(stop.tolist()),
                tuple(chunks.tolist()),
            )
        )
    return rows
