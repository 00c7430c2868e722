"""Bulk jobs: all rows by label, below what is newer, whatever is cut off or happens meanwhile."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.answers import check_rows
from tests.ngff.labels.bulk_jobs import BulkJob, in_small_builds
from tests.ngff.labels.samples import bodies, filled, new_volume
from tests.ngff.labels.scenes import SHAPE, in_small_pieces, new_scene, sweeping_at_once

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.bulk import fragment as fragment_
from voxlake.ngff.labels.bulk.build import Build, begin_bulk, building_url, renew_bulk
from voxlake.ngff.labels.bulk.fragment import fragment_cells, fragment_url, write_fragment
from voxlake.ngff.labels.bulk.pieces import choose_pieces, pieces_url, range_url, write_range
from voxlake.ngff.labels.bulk.publish import publish_bulk
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.segments.rows import join_rows, rows_of_shard
from voxlake.ngff.labels.segments.segment_file import FILES
from voxlake.ngff.labels.sidecars import sidecar as sidecar_
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.trust import stored_shards, trusted_rows
from voxlake.ngff.labels.state import in_force
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.marker import bulk_marker, list_markers, read_bulk, write_bulk
from voxlake.ngff.versioned.sorted_file import file_url, read_footer, read_groups
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    PlanChangedError,
)

if TYPE_CHECKING:
    from tests.ngff.labels.scenes import Scene

    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.platform.store import StoreURL

FIRST, LAST = Box((0, 0, 0), (3, 3, 5)), Box((3, 4, 6), SHAPE)


@pytest.fixture
def scene(memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Scene:
    in_small_pieces(monkeypatch)
    in_small_builds(monkeypatch)
    return new_scene(memory_store)


def _rows_of_segments(scene: Scene) -> SegmentRows:
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    files = [file for segment in manifest.segments for file in segment.files]
    found = []
    for file in files:
        numbers = list(range(len(read_footer(FILES, scene.index, file).groups)))
        found += list(read_groups(FILES, scene.index, file, numbers))
    return join_rows(found)


def _same(one: SegmentRows, other: SegmentRows) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in one.__dataclass_fields__
    )


@pytest.mark.parametrize("fragments", [1, 2, 3, 40])
def test_b_is_a_grouped_and_both_are_brute_force(scene: Scene, fragments: int) -> None:
    job = BulkJob(scene, fragments)
    job.finish()
    stored = stored_shards(scene.volume)
    grouped = []
    for cell, etag in stored.items():
        rows = trusted_rows(scene.volume, scene.index, cell, etag)
        assert rows is not None
        grouped.append(rows_of_shard(rows, scene.volume.shard_number(cell)))
    found = _rows_of_segments(scene)
    assert len(found)
    assert _same(found, join_rows(grouped).ordered())
    check_rows(scene.volume, found, [scene.voxels()])
    view = in_force(scene.opened)
    assert (view.dirty, view.consistency) == ((), "indexed")
    scene.check()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_labels_of_every_width(memory_store: StoreURL, dtype: type[np.unsignedinteger]) -> None:
    voxels = bodies(7).astype(dtype)
    volume, index = filled(memory_store / "labels", voxels), memory_store / "index"
    expected = Labels(volume, index).view().all()
    job = BulkJob(new_scene(memory_store / "other"), 2)
    job.scene = type(job.scene)(volume, index)
    job.finish()
    found = Labels(volume, index).view().all()
    assert np.array_equal(found.labels, np.unique(voxels[voxels != 0]))
    for name in expected.__dataclass_fields__:
        assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_parts_ascend_and_pieces_are_bounded(scene: Scene) -> None:
    BulkJob(scene).finish()
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    files = manifest.segments[0].files
    assert len(files) > 2
    assert all(one.last <= two.first for one, two in pairwise(files))
    # Some 500 bytes of rows, and what sampling adds.
    assert max(file.rows for file in files) <= 16


def test_a_label_that_fills_several_parts_is_streamed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragment_, "FILE_BYTES", 150)
    monkeypatch.setattr(fragment_, "SAMPLE_BYTES", 50)
    scene.write_foreign(Box((0, 0, 0), SHAPE), 7)
    job = BulkJob(scene)
    job.finish()
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    assert [file.first for file in manifest.segments[0].files] == [7] * len(
        manifest.segments[0].files
    )
    assert len(manifest.segments[0].files) > 1
    assert Labels(scene.volume, scene.index).view().all().voxels.tolist() == [np.prod(SHAPE)]
    extent = Labels(scene.volume, scene.index).view().extent(7)
    assert (extent.voxels, extent.box) == (math.prod(SHAPE), scene.volume.box)
    assert extent.shards == len(stored_shards(scene.volume))


def test_no_labels_at_all(memory_store: StoreURL) -> None:
    volume, index = new_volume(memory_store / "labels"), memory_store / "index"
    job = BulkJob(type(new_scene(memory_store / "x"))(volume, index), 2)
    job.finish()
    manifest = newest_manifest(index)
    assert manifest is not None
    assert manifest.segments[0].files == ()
    assert manifest.segments[0].shards == len(list(volume.box.cells(volume.shard)))
    assert len(Labels(volume, index).view().all()) == 0


def test_the_scratch_is_gone_and_a_second_end_does_nothing(scene: Scene) -> None:
    job = BulkJob(scene)
    job.finish()
    assert list(store.walk(building_url(scene.index))) == []
    assert list_markers(scene.index) == []
    before = newest_manifest(scene.index)
    assert publish_bulk(job.build).number == 1
    assert newest_manifest(scene.index) == before
    begin_bulk(scene.opened, job.job, "tests")
    assert list_markers(scene.index) == []  # It has published: nothing is to be marked.


def test_what_was_there_is_replaced_and_what_is_newer_stays(scene: Scene) -> None:
    scene.compact()
    scene.write(FIRST, 2)
    scene.compact()
    before = newest_manifest(scene.index)
    job = BulkJob(scene)
    job.step()
    state = read_bulk(bulk_marker(scene.index, job.job))
    assert before is not None
    assert state is not None
    assert state.replaces == tuple(segment.cover for segment in before.segments)
    assert state.manifest == before.number + 1
    scene.write(LAST, 3)
    scene.compact()
    newer = newest_manifest(scene.index)
    assert newer is not None
    job.finish()
    after = newest_manifest(scene.index)
    assert after is not None
    kept = [segment.cover for segment in newer.segments[len(before.segments) :]]
    assert [segment.cover for segment in after.segments] == [job.job, *kept]
    scene.check()


def test_queries_say_how_old_they_are_while_a_job_runs(scene: Scene) -> None:
    scene.compact()
    assert in_force(scene.opened).consistency == "indexed"
    job = BulkJob(scene)
    while not job.ended:
        job.step()
        view = in_force(scene.opened)
        if not job.ended:
            assert view.manifest is not None
            assert (view.consistency, view.as_of) == ("snapshot", view.manifest.made)
            scene.check()
    assert view.consistency == "indexed"


def test_before_the_first_segments_queries_are_exact_and_no_other_makes_them(scene: Scene) -> None:
    job = BulkJob(scene)
    job.step()
    scene.compact()
    assert newest_manifest(scene.index) is None
    assert in_force(scene.opened).consistency == "latest"
    scene.write(FIRST, 3)
    scene.check()
    job.finish()
    scene.check()
    scene.compact()
    assert list_markers(scene.index) == []
    scene.check()


def test_nothing_is_merged_or_swept_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.compact()
    first = newest_manifest(scene.index)
    assert first is not None
    job = BulkJob(scene)
    for _ in range(6):
        job.step()
    for number in range(5):
        scene.write(FIRST, number % 3)
        sweeping_at_once(monkeypatch, scene.compact)
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    assert len(manifest.segments) == len(first.segments) + 5
    job.finish()
    scene.check()
    sweeping_at_once(monkeypatch, scene.compact)
    merged = newest_manifest(scene.index)
    assert merged is not None
    assert len(merged.segments) == 1
    scene.check()


def test_what_was_written_without_a_mark_below_a_newer_segment_is_marked(scene: Scene) -> None:
    scene.compact()
    job = BulkJob(scene)
    job.step()
    scene.write(FIRST, 2)
    scene.compact()
    scene.write_foreign(FIRST, 3)  # The segment of the compaction hides the fragment.
    for _ in range(len(job.tasks) - 2):
        job.step()
    assert publish_bulk(job.build).marked == 1
    assert [marker.cell for marker in list_markers(scene.index)] == [(0, 0, 0)]
    scene.check()
    scene.compact()
    scene.check()


def test_a_fragment_written_twice_counts_once(scene: Scene) -> None:
    """Ranges of one state of a shard are never mixed with those of another."""
    job = BulkJob(scene, 2)
    for _ in range(4):
        job.step()
    before = scene.voxels()
    first = write_fragment(job.build, 0)
    store.delete(fragment_url(job.build, 0))  # As for a task that began before the first ended.
    scene.write_foreign(FIRST, 3)
    assert write_fragment(job.build, 0) != first
    choose_pieces(job.build)
    write_range(job.build, 0)
    write_range(job.build, 1)
    manifest = newest_manifest(scene.index)
    assert manifest is None
    assert publish_bulk(job.build).marked == 1
    found = _rows_of_segments(scene)
    check_rows(scene.volume, found, [before])
    scene.check()


def test_ranges_are_the_same_bytes_again(scene: Scene) -> None:
    job = BulkJob(scene, 2)
    for _ in range(5):
        job.step()
    first = write_range(job.build, 0)
    assert first.files
    urls = [file_url(scene.index, file.ulid) for file in first.files]
    bodies_ = [store.read(url).body for url in urls]
    store.delete(range_url(job.build, 0))
    assert write_range(job.build, 0) == first
    assert [store.read(url).body for url in urls] == bodies_


@pytest.mark.parametrize("at", [0, 40, -30])
@pytest.mark.parametrize("which", ["fragment", "pieces", "range"])
def test_flipped_bits_in_what_tasks_hand_on_are_found(scene: Scene, which: str, at: int) -> None:
    job = BulkJob(scene, 1)
    for _ in range({"fragment": 2, "pieces": 3, "range": 4}[which]):
        job.step()
    urls = {"fragment": fragment_url(job.build, 0), "pieces": pieces_url(job.build)}
    url = urls.get(which, range_url(job.build, 0))
    body = bytearray(store.read(url).body)
    body[at] ^= 1
    store.write(url, bytes(body))
    with pytest.raises(CorruptDataError):
        job.finish()
    assert newest_manifest(scene.index) is None
    scene.check()


def test_another_geometry_is_refused(scene: Scene) -> None:
    job = BulkJob(scene, 2)
    for _ in range(3):
        job.step()
    store.delete_tree(scene.volume.url)
    new_volume(scene.volume.url, SHAPE, (2, 4, 4), (2, 4, 4))
    changed = Build(Labels(open_volume(scene.volume.url), scene.index), job.job, 2)
    with pytest.raises(PlanChangedError, match="other chunks or shards"):
        choose_pieces(changed)


def test_fragments_divide_the_shards(scene: Scene) -> None:
    for fragments in (1, 2, 5, 8, 11):
        build = Build(scene.opened, "x", fragments)
        cells = [cell for n in range(fragments) for cell in fragment_cells(build, n)]
        assert cells == list(scene.volume.box.cells(scene.volume.shard))


def test_a_shard_whose_sidecar_is_not_true_is_indexed_anew(scene: Scene) -> None:
    for cell in scene.volume.box.cells(scene.volume.shard):
        index_shard(scene.volume, cell, scene.index)
    before = {info.url.key: info.etag for info in store.walk(scene.index / "shards")}
    scene.write_foreign(Box((0, 0, 0), (1, 1, 1)), 3)
    BulkJob(scene).finish()
    after = {info.url.key: info.etag for info in store.walk(scene.index / "shards")}
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {sidecar_.sidecar_url(scene.index, (0, 0, 0)).key}
    scene.check()


def test_what_a_dead_job_leaves_goes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    job = BulkJob(scene)
    for _ in range(7):
        job.step()
    assert audit(scene.opened).cleared == 0
    sweeping_at_once(monkeypatch, scene.compact)
    assert list(store.walk(building_url(scene.index)))
    files = len(list(store.walk(scene.index / "runs")))
    assert files > 0
    assert audit(scene.opened, bulk_age_s=-60).cleared == 1
    scene.compact()  # Young: it may go on yet.
    assert list(store.walk(building_url(scene.index)))
    sweeping_at_once(monkeypatch, scene.compact)
    assert list(store.walk(building_url(scene.index))) == []
    with pytest.raises(ConflictError, match="index again"):
        job.resume()
    job.give_up()
    scene.check()
    BulkJob(scene).finish()
    scene.check()


def test_parts_that_were_swept_are_not_named(scene: Scene) -> None:
    job = BulkJob(scene)
    for _ in range(len(job.tasks) - 1):
        job.step()
    for info in store.walk(scene.index / "runs"):
        store.delete(info.url)
    with pytest.raises(ConflictError, match="swept since; index again"):
        job.finish()
    assert newest_manifest(scene.index) is None


def test_a_job_gives_signs_of_life(scene: Scene) -> None:
    job = BulkJob(scene)
    job.step()
    marker = bulk_marker(scene.index, job.job)
    state = read_bulk(marker)
    assert state is not None
    assert state.by == "tests"
    renew_bulk(scene.index, job.job)
    assert read_bulk(marker) == state
    old = state.model_copy(update={"at": state.at.replace(year=2020)})
    write_bulk(marker, old)
    renew_bulk(scene.index, job.job)
    renewed = read_bulk(marker)
    assert renewed is not None
    assert renewed.at > state.at
    job.give_up()
    renew_bulk(scene.index, job.job)
    assert list_markers(scene.index) == []


def test_a_damaged_mark_is_told_by_its_name(scene: Scene) -> None:
    job = BulkJob(scene)
    job.step()
    store.write(bulk_marker(scene.index, job.job).url, b"{")
    assert audit(scene.opened).cleared == 0
    job.resume()
    scene.check()
    store.write(bulk_marker(scene.index, job.job).url, b"{")
    assert audit(scene.opened, bulk_age_s=-60).cleared == 1


def test_on_every_store(any_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_builds(monkeypatch)
    scene = new_scene(any_store)
    job = BulkJob(scene)
    job.finish()
    scene.check()
    compact(scene.opened)
    scene.check()
