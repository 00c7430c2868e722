"""Compaction, merging, sweeping and audits: every query stays equal to brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.ngff.label_index.samples import new_volume
from tests.ngff.label_index.scenes import (
    CHUNK,
    SHARD,
    in_small_pieces,
    new_scene,
    sweeping_at_once,
)

from voxlake.ngff.box import Box
from voxlake.ngff.label_index import compact, in_force
from voxlake.ngff.label_index.marker import list_markers
from voxlake.platform import store

if TYPE_CHECKING:
    import pytest

    from voxlake.platform.store import StoreURL


def test_writes_compactions_and_audits(
    any_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_pieces(monkeypatch)
    scene = new_scene(any_store)
    scene.check()
    scene.compact()
    assert in_force(scene.volume, scene.index).dirty == ()
    scene.check()
    for step, start in enumerate([(0, 0, 0), (1, 2, 3), (2, 3, 4), (3, 3, 3), (0, 1, 9)]):
        box = Box(start, tuple(n + 3 for n in start))
        scene.write(box, (1, 0, 2, 3, 0)[step])
        scene.check()
        sweeping_at_once(monkeypatch, scene.compact)
        assert list_markers(scene.index) == []
        scene.check()
    scene.write_foreign(Box((0, 0, 0), (6, 7, 12)), 0)
    scene.audit()
    scene.check()
    scene.compact()
    scene.check()
    assert len(in_force(scene.volume, scene.index).dirty) == 0


def test_a_first_compaction_takes_every_stored_shard(lake: StoreURL) -> None:
    scene = new_scene(lake)
    done = compact(scene.volume, scene.index)
    assert (done.number, done.shards, done.merged, done.swept) == (1, 4, False, 0)
    again = compact(scene.volume, scene.index)
    assert (again.number, again.shards, again.rows) == (1, 0, 0)


def test_runs_of_another_geometry_mean_nothing(lake: StoreURL) -> None:
    scene, index = new_scene(lake), lake / "index"
    compact(scene.volume, index)
    larger = replace(scene, volume=new_volume(lake / "larger", (6, 7, 20), CHUNK, SHARD))
    larger.check()
    larger.write(Box((1, 1, 1), (3, 3, 3)), 2)
    larger.check()
    assert store.list_children(index / "manifest")[1] == [f"{1:020}.json"]
    larger.compact()
    larger.check()
    assert in_force(larger.volume, index).dirty == ()
