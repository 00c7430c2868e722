"""Bulk jobs: all rows by label, below what is newer, whatever is cut off or happens meanwhile."""

from __future__ import annotations

import math
import os
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.label_index.answers import check_rows
from tests.ngff.label_index.bulk_jobs import BulkJob, finish_or_begin_anew, in_small_builds
from tests.ngff.label_index.samples import bodies, filled, new_volume
from tests.ngff.label_index.scenes import (
    SHAPE,
    in_small_pieces,
    labels_of,
    new_scene,
    sweeping_at_once,
)
from tests.ngff.label_index.steps import watch

from voxlake.ngff.box import Box
from voxlake.ngff.label_index import (
    audit,
    compact,
    in_force,
    index_shard,
    label_extent,
    list_labels,
)
from voxlake.ngff.label_index import bulk_fragment as fragment_
from voxlake.ngff.label_index import sidecar as sidecar_
from voxlake.ngff.label_index.bulk import Build, begin_bulk, building_url, renew_bulk
from voxlake.ngff.label_index.bulk_fragment import fragment_cells, fragment_url, write_fragment
from voxlake.ngff.label_index.bulk_pieces import choose_pieces, pieces_url, range_url, write_range
from voxlake.ngff.label_index.bulk_publish import publish_bulk
from voxlake.ngff.label_index.manifest import newest_manifest
from voxlake.ngff.label_index.marker import bulk_marker, list_markers, read_bulk, write_bulk
from voxlake.ngff.label_index.run import part_url
from voxlake.ngff.label_index.run_reader import read_footer, read_groups
from voxlake.ngff.label_index.run_rows import join_rows, rows_of_shard, shard_number
from voxlake.ngff.label_index.trust import stored_shards, trusted_rows
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    ObjectNotFoundError,
    PlanChangedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ngff.label_index.scenes import Scene

    from voxlake.ngff.label_index.run_rows import RunRows
    from voxlake.platform.store import StoreURL

EXAMPLES = int(os.environ.get("VOXLAKE_INDEX_EXAMPLES", "0"))
"""As of `test_any_history`: if set, more steps and interleavings are tried."""

FIRST, LAST = Box((0, 0, 0), (3, 3, 5)), Box((3, 4, 6), SHAPE)


@pytest.fixture
def scene(memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Scene:
    in_small_pieces(monkeypatch)
    in_small_builds(monkeypatch)
    return new_scene(memory_store)


def _rows_of_runs(scene: Scene) -> RunRows:
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    parts = [part for run in manifest.runs for part in run.parts]
    found = []
    for part in parts:
        numbers = list(range(len(read_footer(scene.index, part).groups)))
        found += list(read_groups(scene.index, part, numbers))
    return join_rows(found)


def _same(one: RunRows, other: RunRows) -> bool:
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
        grouped.append(rows_of_shard(rows, shard_number(scene.volume, cell)))
    found = _rows_of_runs(scene)
    assert len(found)
    assert _same(found, join_rows(grouped).ordered())
    check_rows(scene.volume, found, [scene.voxels()])
    view = in_force(scene.volume, scene.index)
    assert (view.dirty, view.consistency) == ((), "latest")
    scene.check()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_labels_of_every_width(memory_store: StoreURL, dtype: type[np.unsignedinteger]) -> None:
    voxels = bodies(7).astype(dtype)
    volume, index = filled(memory_store / "labels", voxels), memory_store / "index"
    expected = list_labels(volume, index)
    job = BulkJob(new_scene(memory_store / "other"), 2)
    job.scene = type(job.scene)(volume, index)
    job.finish()
    found = list_labels(volume, index)
    assert np.array_equal(found.labels, np.unique(voxels[voxels != 0]))
    for name in expected.__dataclass_fields__:
        assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_parts_ascend_and_pieces_are_bounded(scene: Scene) -> None:
    BulkJob(scene).finish()
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    parts = manifest.runs[0].parts
    assert len(parts) > 2
    assert all(one.last <= two.first for one, two in pairwise(parts))
    # Some 500 bytes of rows, and what sampling adds.
    assert max(part.rows for part in parts) <= 16


def test_a_label_that_fills_several_parts_is_streamed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragment_, "PART_BYTES", 150)
    monkeypatch.setattr(fragment_, "SAMPLE_BYTES", 50)
    scene.write_foreign(Box((0, 0, 0), SHAPE), 7)
    job = BulkJob(scene)
    job.finish()
    manifest = newest_manifest(scene.index)
    assert manifest is not None
    assert [part.first for part in manifest.runs[0].parts] == [7] * len(manifest.runs[0].parts)
    assert len(manifest.runs[0].parts) > 1
    assert list_labels(scene.volume, scene.index).voxels.tolist() == [np.prod(SHAPE)]
    extent = label_extent(scene.volume, scene.index, 7)
    assert (extent.voxels, extent.box) == (math.prod(SHAPE), scene.volume.box)
    assert extent.shards == len(stored_shards(scene.volume))


def test_no_labels_at_all(memory_store: StoreURL) -> None:
    volume, index = new_volume(memory_store / "labels"), memory_store / "index"
    job = BulkJob(type(new_scene(memory_store / "x"))(volume, index), 2)
    job.finish()
    manifest = newest_manifest(index)
    assert manifest is not None
    assert manifest.runs[0].parts == ()
    assert manifest.runs[0].shards == len(list(volume.box.cells(volume.shard)))
    assert len(list_labels(volume, index)) == 0


def test_the_scratch_is_gone_and_a_second_end_does_nothing(scene: Scene) -> None:
    job = BulkJob(scene)
    job.finish()
    assert list(store.walk(building_url(scene.index))) == []
    assert list_markers(scene.index) == []
    before = newest_manifest(scene.index)
    assert publish_bulk(job.build).number == 1
    assert newest_manifest(scene.index) == before
    begin_bulk(scene.volume, scene.index, job.job, "tests")
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
    assert state.replaces == tuple(run.cover for run in before.runs)
    assert state.manifest == before.number + 1
    scene.write(LAST, 3)
    scene.compact()
    newer = newest_manifest(scene.index)
    assert newer is not None
    job.finish()
    after = newest_manifest(scene.index)
    assert after is not None
    kept = [run.cover for run in newer.runs[len(before.runs) :]]
    assert [run.cover for run in after.runs] == [job.job, *kept]
    scene.check()


def test_queries_say_how_old_they_are_while_a_job_runs(scene: Scene) -> None:
    scene.compact()
    assert in_force(scene.volume, scene.index).consistency == "latest"
    job = BulkJob(scene)
    while not job.ended:
        job.step()
        view = in_force(scene.volume, scene.index)
        if not job.ended:
            assert view.manifest is not None
            assert (view.consistency, view.as_of) == ("snapshot", view.manifest.made)
            scene.check()
    assert view.consistency == "latest"


def test_before_the_first_runs_queries_are_exact_and_no_other_makes_them(scene: Scene) -> None:
    job = BulkJob(scene)
    job.step()
    scene.compact()
    assert newest_manifest(scene.index) is None
    assert in_force(scene.volume, scene.index).consistency == "latest"
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
    assert len(manifest.runs) == len(first.runs) + 5
    job.finish()
    scene.check()
    sweeping_at_once(monkeypatch, scene.compact)
    merged = newest_manifest(scene.index)
    assert merged is not None
    assert len(merged.runs) == 1
    scene.check()


def test_a_merge_that_began_before_gives_way(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step of the merge the job begins at: its run replaces what it should."""
    steps = watch(monkeypatch)

    def many_runs() -> None:
        scene.compact()
        for number in range(3):
            job = BulkJob(scene)
            job.step()  # So that nothing is merged yet.
            scene.write(FIRST, number % 3)
            scene.compact()
            job.give_up()

    many_runs()
    count, number = steps.run(scene.compact, {}), 0
    while number < count:
        many_runs()
        scene.write(LAST, number % 3)
        job = BulkJob(scene)
        count = steps.run(scene.compact, {number: job.step})
        if not job.done:
            job.step()
        scene.check()
        scene.write_foreign(FIRST, 1 + number % 3)
        job.finish()
        scene.check()
        number += 5 if EXAMPLES else 19
    assert number > 19


def test_what_was_written_without_a_mark_below_a_newer_run_is_marked(scene: Scene) -> None:
    scene.compact()
    job = BulkJob(scene)
    job.step()
    scene.write(FIRST, 2)
    scene.compact()
    scene.write_foreign(FIRST, 3)  # The run of the compaction hides the fragment.
    for _ in range(len(job.tasks) - 2):
        job.step()
    assert publish_bulk(job.build).marked == 1
    assert [marker.cell for marker in list_markers(scene.index)] == [(0, 0, 0)]
    scene.check()
    scene.compact()
    scene.check()


def _some(count: int, apart: int, seed: int) -> range:
    """Return steps that are far apart; in CI more of them."""
    apart = 7 if EXAMPLES else apart
    return range(seed % apart, count, apart)


KILLS = ("kill before", "kill after")


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("kind", ["first", "again"])
def test_killed_at_every_step(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch, kill: str, kind: str
) -> None:
    in_small_builds(monkeypatch)
    steps = watch(monkeypatch)

    def made(number: int) -> BulkJob:
        scene = new_scene(memory_store / uuid4().hex, seed=number)
        if kind == "again":
            scene.compact()
            scene.write_foreign(FIRST, 3)
        return BulkJob(scene, 2)

    count = steps.run(made(0).finish, {})
    assert count > 60
    for number in _some(count, 31, len(kind + kill)):
        job = made(number)
        steps.run(job.finish, {number: kill})  # type: ignore[dict-item]  # A word of `Fault`.
        if kind == "first":
            job.scene.check()  # What a job left half done is never believed.
        job.scene.write(LAST, number % 3)
        job.resume()
        assert list(store.walk(building_url(job.scene.index))) == []
        assert all(marker.cell for marker in list_markers(job.scene.index))
        job.scene.check()


@pytest.mark.parametrize("kind", ["write", "foreign", "compact", "job", "audit", "clear"])
def test_joined_at_every_step(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    in_small_builds(monkeypatch)
    steps = watch(monkeypatch)

    def other(scene: Scene, number: int) -> Callable[[], None]:
        if kind == "job":
            return BulkJob(scene, 1).finish
        if kind == "clear":
            return lambda: _take_for_dead(scene)
        acts: dict[str, Callable[[], None]] = {
            "write": partial(scene.write, FIRST, 1 + number % 3),
            "foreign": partial(scene.write_foreign, LAST, 1 + number % 3),
            "compact": scene.compact,
            "audit": scene.audit,
        }
        return acts[kind]

    def made(number: int) -> BulkJob:
        scene = new_scene(memory_store / uuid4().hex, seed=number)
        scene.compact()
        scene.write(FIRST, 1)
        return BulkJob(scene, 2)

    count = steps.run(made(0).finish, {})
    for number in _some(count, 37, len(kind)):
        job = made(number)
        act = partial(finish_or_begin_anew, job)
        steps.run(act, {number: other(job.scene, number)})
        if kind == "foreign":
            job.scene.audit()
        job.scene.check()
        job.scene.compact()
        job.scene.check()


def _take_for_dead(scene: Scene) -> None:
    audit(scene.volume, scene.index, bulk_age_s=-60)
    scene.compact()


BOXES = st.sampled_from([FIRST, LAST, Box((2, 0, 0), (6, 7, 5)), Box((0, 5, 0), SHAPE)])
EVENTS = st.one_of(
    st.tuples(st.just("write"), BOXES, st.sampled_from([0, *labels_of(np.dtype(np.uint64))])),
    st.tuples(st.just("foreign"), BOXES, st.sampled_from([0, *labels_of(np.dtype(np.uint64))])),
    st.tuples(st.just("step"), st.integers(0, 1), st.integers(1, 4)),
    st.tuples(st.just("kill"), st.integers(0, 1), st.integers(0, 12)),
    st.tuples(st.just("again"), st.integers(0, 1), st.integers(0, 20)),
    st.tuples(st.sampled_from(["compact", "sweep", "audit", "dead", "give up"])),
)


@settings(max_examples=min(EXAMPLES, 30) or 3)
@given(events=st.lists(EVENTS, min_size=5, max_size=14), seed=st.integers(0, 99))
def test_any_interleaving(
    memory_store: StoreURL, events: list[tuple[object, ...]], seed: int
) -> None:
    """Writes, kills, zombies, compactions, audits and two jobs: brute force after each event."""
    with pytest.MonkeyPatch.context() as patch:
        in_small_pieces(patch)
        in_small_builds(patch)
        history = _History(new_scene(memory_store / f"{seed}", seed), patch)
        for event in events:
            history.happens(event)
        history.ends()
    store.delete_tree(memory_store / f"{seed}")


class _History:
    """A scene with two jobs; what is foreign is audited before it is asked for."""

    def __init__(self, scene: Scene, patch: pytest.MonkeyPatch) -> None:
        self.scene, self.patch, self.steps = scene, patch, watch(patch)
        self.jobs = [BulkJob(scene, 2), BulkJob(scene, 1)]

    def happens(self, event: tuple[object, ...]) -> None:
        match event:
            case ("write", Box() as box, int(label)):
                self.scene.write(box, label)
            case ("foreign", Box() as box, int(label)):
                self.scene.write_foreign(box, label)
                self.scene.audit()
            case ("step", int(which), int(times)):
                for _ in range(times):
                    self._do(which, lambda job: job.step())
            case ("kill", int(which), int(number)):
                self._do(which, lambda job: self.steps.run(job.step, {number: "kill after"}))
            case ("again", int(which), int(number)):
                # A task that was taken for lost: it may come to its end at any time.
                job = self.jobs[which]
                self._do(which, lambda _: job.tasks[min(number, max(job.done - 1, 0))]())
            case (str(word),):
                self._maintain(word)
        self.scene.check()

    def ends(self) -> None:
        for job in self.jobs:
            if not job.ended:
                finish_or_begin_anew(job)
            self.scene.check()
        self.scene.compact()
        self.scene.check()
        assert list_markers(self.scene.index) == []

    def _maintain(self, word: str) -> None:
        if word == "give up":
            self.jobs[0].give_up()
            self.jobs[0] = BulkJob(self.scene, 2)
        acts = {"compact": self.scene.compact, "audit": self.scene.audit}
        acts["dead"] = partial(_take_for_dead, self.scene)
        acts["sweep"] = partial(sweeping_at_once, self.patch, self.scene.compact)
        acts.get(word, lambda: None)()

    def _do(self, which: int, act: Callable[[BulkJob], object]) -> None:
        job = self.jobs[which]
        if job.ended:
            job = self.jobs[which] = BulkJob(self.scene, job.fragments)
        try:
            act(job)
        except (ConflictError, ObjectNotFoundError):
            # Its mark was cleared, or it began before the task that needs what is not there.
            job.give_up()


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
    found = _rows_of_runs(scene)
    check_rows(scene.volume, found, [before])
    scene.check()


def test_ranges_are_the_same_bytes_again(scene: Scene) -> None:
    job = BulkJob(scene, 2)
    for _ in range(5):
        job.step()
    first = write_range(job.build, 0)
    assert first.parts
    urls = [part_url(scene.index, part.ulid) for part in first.parts]
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
    changed = Build(open_volume(scene.volume.url), scene.index, job.job, 2)
    with pytest.raises(PlanChangedError, match="other chunks or shards"):
        choose_pieces(changed)


def test_fragments_divide_the_shards(scene: Scene) -> None:
    for fragments in (1, 2, 5, 8, 11):
        build = Build(scene.volume, scene.index, "x", fragments)
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
    assert audit(scene.volume, scene.index).cleared == 0
    sweeping_at_once(monkeypatch, scene.compact)
    assert list(store.walk(building_url(scene.index)))
    parts = len(list(store.walk(scene.index / "runs")))
    assert parts > 0
    assert audit(scene.volume, scene.index, bulk_age_s=-60).cleared == 1
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
    assert audit(scene.volume, scene.index).cleared == 0
    job.resume()
    scene.check()
    store.write(bulk_marker(scene.index, job.job).url, b"{")
    assert audit(scene.volume, scene.index, bulk_age_s=-60).cleared == 1


def test_on_every_store(any_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_builds(monkeypatch)
    scene = new_scene(any_store)
    job = BulkJob(scene)
    job.finish()
    scene.check()
    compact(scene.volume, scene.index)
    scene.check()
