"""The handle: a view that is held answers of its state; if that is gone, `ask` takes another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.ngff.labels.bulk_jobs import BulkJob
from tests.ngff.labels.scenes import Scene, new_scene, sweeping_at_once

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.queries import voxels as voxels_
from voxlake.platform.errors import NotFoundError, OutdatedError

if TYPE_CHECKING:
    from voxlake.ngff.labels.view import View
    from voxlake.platform.store import StoreURL

SECOND = Box((0, 0, 8), (4, 7, 12))
"""A shard."""


def check(view: View, voxels: Any, labels: tuple[int, ...]) -> None:
    """Hold what the index says by a view against voxels."""
    present, counts = np.unique(voxels[voxels != 0], return_counts=True)
    table = view.all()
    assert (table.labels.tolist(), table.voxels.tolist()) == (present.tolist(), counts.tolist())
    assert view.find(labels).labels.tolist() == present.tolist()
    assert view.largest(1).voxels.tolist() == [counts.max()]
    for label in labels:
        where = np.argwhere(voxels == label)
        if not len(where):
            for ask in (view.extent, view.chunks, view.coarse_volume, view.point):
                with pytest.raises(NotFoundError):
                    ask(label)
            continue
        cells = np.unique(where // view.labels.volume.chunk, axis=0)
        assert view.extent(label).voxels == len(where)
        assert view.extent(label).box.start == tuple(where.min(axis=0).tolist())
        assert view.chunks(label).tolist() == cells.tolist()
        assert view.coarse_volume(label).voxels == len(cells)


def test_a_snapshot_that_is_held_is_of_its_manifest(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a bulk job runs, and after it: every question is answered of the state it says."""
    scene = new_scene(lake)
    scene.compact()
    before = scene.voxels()
    job = BulkJob(scene)
    job.step()
    view = scene.opened.view()
    assert view.state.manifest is not None
    assert (view.state.consistency, view.state.as_of) == ("snapshot", view.state.manifest.made)
    scene.write_foreign(SECOND, 3)
    after = scene.voxels()
    for _ in range(2):
        check(view, before, scene.labels)
        # Voxels are read as they are, in the shards where the view has the label.
        monkeypatch.setattr(voxels_, "FEW_SHARDS", 0)
        there = np.isin(_shards(scene), np.unique(_shards(scene)[before == 3]))
        assert sum(runs.voxels for runs in view.sparse_volume(3)) == np.sum((after == 3) & there)
        assert np.array_equal(view.mask(3, scene.volume.box), (after == 3) & there)
        if not job.ended:
            job.finish()
    newest = scene.opened.view()
    assert (newest.state.consistency, newest.state.as_of) == ("indexed", None)
    check(newest, after, scene.labels)


def _shards(scene: Scene) -> Any:
    """Return the number of the shard of each voxel."""
    numbers = np.zeros(scene.volume.shape, np.int64)
    for cell in scene.volume.box.cells(scene.volume.shard):
        numbers[scene.volume.shard_box(cell).slices] = scene.volume.shard_number(cell)
    return numbers


def test_a_question_is_put_again_when_its_segments_are_swept(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, asked = new_scene(lake), 0
    scene.compact()

    def merge_and_ask(view: View) -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            scene.write(Box((0, 0, 0), (2, 2, 2)), 2)
            scene.compact()
            for _ in range(10):
                sweeping_at_once(monkeypatch, scene.merge)
                scene.write(Box((0, 0, 0), (1, 1, 1)), 2)
                sweeping_at_once(monkeypatch, scene.compact)
        return view.extent(2).voxels

    assert Labels(scene.volume, scene.index).ask(merge_and_ask) == np.sum(scene.voxels() == 2)
    assert asked == 2


def test_a_point_by_a_view_of_voxels_that_are_gone(lake: StoreURL) -> None:
    scene = new_scene(lake)
    scene.compact()
    view = scene.opened.view()
    scene.write_foreign(scene.volume.box, 0)
    for ask in (view.point, lambda label: view.points(label, 3)):
        with pytest.raises(OutdatedError, match="by a new view"):
            ask(2)
