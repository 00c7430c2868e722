"""Scenes: a small volume with its index, what can be done to it, and the check by brute force."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.ngff.labels.answers import check_box, check_label, check_rows, check_tables, check_voxels
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.state import ask_in_force, find_rows_in_force, in_force
from voxlake.ngff.labels.upkeep import compaction as compaction_
from voxlake.ngff.labels.upkeep import merging as merging_
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.merging import merge_segments
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.versioned import contention, sorted_file, sweeping
from voxlake.ngff.volume import open_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pytest

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SHAPE, CHUNK, SHARD = (6, 7, 12), (2, 4, 4), (4, 8, 8)
"""Four shards, each cut off by an end of the volume or its whole extent."""

LARGE_SHARD = (8, 8, 8)
"""Two shards: each costs time at every step of a long history."""


@dataclass(frozen=True)
class Scene:
    """A volume of labels and its index.

    Whatever is done or asked begins as a process of its own, which has read nothing: an object
    that is gone is missed, whoever read it before.
    """

    volume: Volume
    index: StoreURL

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels that voxels may have, the largest of the type of voxels among them."""
        return labels_of(self.volume.dtype)

    @property
    def opened(self) -> Labels:
        """The handle, by which all is asked."""
        return Labels(self.volume, self.index)

    def voxels(self) -> npt.NDArray[Any]:
        """Return what is stored."""
        return self.volume.read(self.volume.box).result()

    def write(self, box: Box, label: int) -> None:
        """Write as the index asks for it."""
        CACHE.clear()
        write_labels(self.volume, self.index, box, np.full(box.shape, label, self.volume.dtype))

    def write_foreign(self, box: Box, label: int) -> None:
        """Write as any program may, past the index."""
        CACHE.clear()
        self.volume.write(box, np.full(box.shape, label, self.volume.dtype)).result()

    def compact(self) -> None:
        """Compact, and sweep."""
        CACHE.clear()
        compact(self.opened)

    def merge(self) -> None:
        """Merge the segments, however few there are, unless a bulk job runs."""
        CACHE.clear()
        newest = newest_manifest(self.index)
        if newest and not in_force(self.opened).bulk:
            merge_segments(self.opened, newest)

    def audit(self) -> None:
        """Look for foreign writes."""
        CACHE.clear()
        audit(self.opened)

    def close_all(self) -> None:
        """Look for foreign writes, and take every writer for dead."""
        CACHE.clear()
        audit(self.opened, open_age_s=-60)

    def ask(self) -> SegmentRows:
        """Return the rows of all labels that the scene knows."""
        CACHE.clear()
        wanted = np.array(self.labels, np.uint64)
        return ask_in_force(self.opened, lambda view: find_rows_in_force(view, wanted))

    def check(self, turn: int = 0, *, quick: bool = False) -> None:
        """Hold every query against NumPy; raise AssertionError if one differs.

        Queries about one label or a box ask for another one each `turn`. With `quick`, a third
        of the queries that ask shards themselves takes turns with the others.
        """
        CACHE.clear()
        voxels = self.voxels()
        check_rows(self.volume, self.ask(), [voxels])
        check_tables(self, voxels)
        for number, check in enumerate((check_label, check_voxels, check_box)):
            if not quick or turn % 3 == number:
                check(self, voxels, turn)


def labels_of(dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Return labels of a type of voxels: small ones, one of half its width, and the largest."""
    bits = 8 * dtype.itemsize
    return (1, 2, 3, 1 << (bits // 2 + bits // 8), (1 << bits) - 1)


def new_scene(
    url: StoreURL, seed: int = 1, dtype: str = "uint64", shard: tuple[int, ...] = SHARD
) -> Scene:
    """Return a scene with some labels, not indexed."""
    volume = new_volume(url / "labels", SHAPE, CHUNK, shard, dtype=dtype)
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.array([0, 0, *labels_of(volume.dtype)], dtype), (3, 4, 6))
    voxels = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    volume.write(volume.box, np.ascontiguousarray(voxels)).result()
    return Scene(volume, url / "index")


def same_scene(scene: Scene, url: StoreURL) -> Scene:
    """Return a copy of a scene on a local store, ETags included; it takes milliseconds.

    Its files are links: no writer changes a file, each puts another in its place.
    """
    template = scene.index.path.parent
    shutil.copytree(template, url.path, copy_function=os.link)
    return Scene(open_volume(url / "labels"), url / "index")


def in_small_pieces(patch: pytest.MonkeyPatch) -> None:
    """Make segments, files and row groups so small that little data takes every path."""
    patch.setattr(sorted_file, "GROUP_ROWS", 3)
    patch.setattr(merging_, "MERGE_ROWS", 6)
    merge_above(patch, 2)
    patch.setattr(compaction_, "SEGMENT_ROWS", 8)
    patch.setattr(compaction_, "WINDOW", 1)
    patch.setattr(sweeping, "KEPT_DOCUMENTS", 1)
    patch.setattr(contention, "LONGEST_PAUSE", 0.0)


def merge_above(patch: pytest.MonkeyPatch, deltas: int) -> None:
    """Make compactions merge when there are more than so many segments on top of the oldest."""
    patch.setattr(merging_, "MAX_DELTAS", deltas)
    patch.setattr(merging_, "MAX_SHARE", float(deltas))


def sweeping_at_once(patch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do `act` with segments of any age swept: for when no other process compacts."""
    with patch.context() as inner:
        inner.setattr(sweeping, "SWEEP_AGE_S", -60.0)
        act()
