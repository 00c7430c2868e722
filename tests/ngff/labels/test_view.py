"""Compaction, merging, sweeping and audits: every query stays equal to brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.scenes import CHUNK, SHARD, in_small_pieces, new_scene, sweeping_at_once
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.state import in_force
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.marker import list_markers
from voxlake.ngff.versioned.sorted_file import file_url
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL


def test_writes_compactions_and_audits(
    any_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_pieces(monkeypatch)
    scene = new_scene(any_store)
    scene.check()
    scene.compact()
    assert in_force(scene.opened).dirty == ()
    scene.check(1)
    for step, start in enumerate([(0, 0, 0), (1, 2, 3), (2, 3, 4), (3, 3, 3), (0, 1, 9)]):
        box = Box(start, tuple(n + 3 for n in start))
        scene.write(box, (1, 0, 2, 3, 0)[step])
        scene.check(2 * step, quick=True)
        sweeping_at_once(monkeypatch, scene.compact)
        assert list_markers(scene.index) == []
        scene.check(2 * step + 1, quick=True)
    scene.write_foreign(Box((0, 0, 0), (6, 7, 12)), 0)
    scene.audit()
    scene.check(2)
    scene.compact()
    scene.check(3)
    assert len(in_force(scene.opened).dirty) == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_an_erased_label_is_nowhere(memory_store: StoreURL, dtype: str) -> None:
    """In no answer and in no row of the segments, wherever it was; other labels stay."""
    scene = new_scene(memory_store, dtype=dtype)
    scene.compact()
    label = scene.labels[-1]
    for z, y, x in np.argwhere(scene.voxels() == label).tolist()[::3]:
        scene.write(Box((z, y, x), (z + 1, y + 1, min(x + 2, 12))), 0)
    scene.check(12)
    erased = np.where(scene.voxels() == label, 0, scene.voxels())
    write_labels(scene.volume, scene.index, scene.volume.box, erased)
    ends: list[Callable[[], None]] = [lambda: None, scene.compact, scene.merge]
    for end in ends:
        end()
        scene.check(12)  # It asks for this label by all queries about one.
        assert label not in scene.opened.view().all().labels
        assert len(scene.opened.view().find([label])) == 0
        assert label not in scene.opened.in_box(scene.volume.box).labels
    newest = newest_manifest(scene.index)
    assert newest is not None
    for file in newest.segments[0].files:
        rows = pq.read_table(file_url(scene.index, file.ulid).path)
        assert label not in rows["label"].to_pylist()


def test_a_first_compaction_takes_every_stored_shard(lake: StoreURL) -> None:
    scene = new_scene(lake)
    done = compact(scene.opened)
    assert (done.number, done.shards, done.merged, done.swept) == (1, 4, False, 0)
    again = compact(scene.opened)
    assert (again.number, again.shards, again.rows) == (1, 0, 0)


def test_segments_of_another_geometry_mean_nothing(lake: StoreURL) -> None:
    scene, index = new_scene(lake), lake / "index"
    compact(Labels(scene.volume, index))
    larger = replace(scene, volume=new_volume(lake / "larger", (6, 7, 20), CHUNK, SHARD))
    larger.check()
    larger.write(Box((1, 1, 1), (3, 3, 3)), 2)
    larger.check()
    assert store.list_children(index / "manifest")[1] == [f"{1:020}.json"]
    larger.compact()
    larger.check()
    assert in_force(Labels(larger.volume, index)).dirty == ()
