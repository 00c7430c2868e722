"""Index jobs, to the segment by label: known tasks, a mark while they run, and what NumPy finds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.ngff.labels.writing import write_labels

from voxlake.compute.index import by_label as index_segments
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_fsck,
    start_index,
    start_ingest,
    start_repair,
)
from voxlake.compute.jobs import running as running_
from voxlake.compute.jobs.cancelling import cancel_job
from voxlake.compute.jobs.kinds import index as indexing_
from voxlake.compute.jobs.kinds import kind_of, work_of
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.bulk import pieces as bulk_pieces
from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.state import in_force
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.marker import bulk_marker, list_markers, read_bulk
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, JobFailedError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SIZE = VoxelSize(10, 10, 10)
PLACE = Place(DatasetName.parse("c/e/cells"), Kind.LABELS)
SOURCE = "phantom:40,48,1400?kind=labels"


@pytest.fixture
def workspace(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setattr(index_segments, "FRAGMENT_SHARDS", 1)
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


def _ingested(workspace: Workspace, *, index: bool) -> tuple[Volume, StoreURL]:
    run_job(workspace, start_ingest(workspace, IngestRequest(SOURCE, PLACE, SIZE, index=index)))
    return workspace.dataset(PLACE).level(0), workspace.lake / PLACE.index_key


def _check(volume: Volume, index: StoreURL) -> None:
    """Demand that one segment in force tells of every shard, and that it tells what NumPy finds."""
    view = in_force(Labels(volume, index))
    assert (view.dirty, view.consistency) == ((), "indexed")
    assert view.manifest is not None
    _check_answers(volume, index)
    assert list(store.walk(building_url(index))) == []


def _check_answers(volume: Volume, index: StoreURL) -> None:
    voxels: npt.NDArray[Any] = volume.read(volume.box).result()
    labels, counts = np.unique(voxels[voxels != 0], return_counts=True)
    found = Labels(volume, index).view().all()
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.voxels, counts)
    for line in (0, len(labels) // 2, len(labels) - 1):
        where = np.argwhere(voxels == labels[line])
        assert np.array_equal(found.start[line], where.min(axis=0))
        assert np.array_equal(found.stop[line], where.max(axis=0) + 1)


def test_an_index_job_builds_the_segment(workspace: Workspace) -> None:
    volume, index = _ingested(workspace, index=False)
    job = start_index(workspace, PLACE.name)
    summary = run_job(workspace, job)
    names = ["index", "index-fragments", "index-ranges", "index-runs", "index-publish"]
    assert [stage.stage for stage in summary.stages] == names
    assert summary.stages[1].tasks == summary.stages[3].tasks > 2
    manifest = newest_manifest(index)
    assert manifest is not None
    assert [segment.cover for segment in manifest.segments] == [job.id]
    _check(volume, index)
    again = start_index(workspace, PLACE.name)
    run_job(workspace, again)
    manifest = newest_manifest(index)
    assert manifest is not None
    assert [segment.cover for segment in manifest.segments] == [again.id]
    _check(volume, index)


def test_an_ingest_builds_the_segment(workspace: Workspace) -> None:
    volume, index = _ingested(workspace, index=True)
    _check(volume, index)
    assert compact(Labels(volume, index)).shards == 0


def test_a_small_dataset_takes_one_task_more(lake: StoreURL) -> None:
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        request = IngestRequest("phantom:64?kind=labels", PLACE, SIZE, index=True)
        summary = run_job(workspace, start_ingest(workspace, request))
        assert [stage.stage for stage in summary.stages] == ["ingest", "index", "index-runs"]
        assert [stage.tasks for stage in summary.stages] == [1, 1, 1]
        _check(workspace.dataset(PLACE).level(0), workspace.lake / PLACE.index_key)


def test_plans_are_the_same_again(workspace: Workspace) -> None:
    _ingested(workspace, index=False)
    job = start_index(workspace, PLACE.name)
    one, two = (kind_of(job).stages(work_of(workspace, job)) for _ in range(2))
    assert [(plan.stage, plan.fingerprint, plan.grid) for plan in one] == [
        (plan.stage, plan.fingerprint, plan.grid) for plan in two
    ]
    for mine, theirs in zip(one, two, strict=True):
        assert [mine.task(n) for n in range(len(mine))] == [
            theirs.task(n) for n in range(len(theirs))
        ]


@pytest.mark.parametrize("broken", ["write_fragment", "choose_pieces", "write_range"])
def test_a_job_that_failed_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Its mark stays, queries say so, and what is written and compacted meanwhile counts."""
    volume, index = _ingested(workspace, index=True)
    job = start_index(workspace, PLACE.name)

    def fail(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(index_segments, broken, fail)
        with pytest.raises(JobFailedError):
            run_job(workspace, job)
    state = read_bulk(bulk_marker(index, job.id))
    assert state is not None
    assert state.by == f"job {job.id}"
    assert in_force(Labels(volume, index)).consistency == "snapshot"
    box = Box((0, 0, 0), (5, 6, 7))
    write_labels(volume, index, box, np.full(box.shape, 77, volume.dtype))
    compact(Labels(volume, index))
    _check_answers(volume, index)
    run_job(workspace, job)
    _check(volume, index)
    manifest = newest_manifest(index)
    assert manifest is not None
    assert [manifest.segments[0].cover, len(manifest.segments)] == [job.id, 2]


def test_a_cancelled_job_leaves_no_mark(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, index = _ingested(workspace, index=True)
    job = start_index(workspace, PLACE.name)

    def fail(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(index_segments, "write_range", fail)
        with pytest.raises(JobFailedError):
            run_job(workspace, job)
    assert [marker.ulid for marker in list_markers(index)] == [job.id]
    assert list(store.walk(building_url(index)))
    assert cancel_job(workspace, job.id).state is JobState.CANCELLED
    assert list_markers(index) == []
    _check(volume, index)


def test_a_cancel_while_it_runs_leaves_no_mark(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, index = _ingested(workspace, index=True)
    job = start_index(workspace, PLACE.name)
    choose = bulk_pieces.choose_pieces

    def cancel_first(build: Any) -> Any:
        assert cancel_job(workspace, job.id).cancel_asked
        time.sleep(1)  # Until its runner has seen it.
        return choose(build)

    monkeypatch.setattr(index_segments, "choose_pieces", cancel_first)
    monkeypatch.setattr("voxlake.compute.jobs.recorder.BEATS_PER_LEASE", 600)
    with pytest.raises(ConflictError, match="cancelled"):
        run_job(workspace, job)
    assert list_markers(index) == []
    _check(volume, index)


def test_a_job_gives_signs_of_life(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    _ingested(workspace, index=False)
    seen: list[str] = []
    monkeypatch.setattr(running_, "RENEW_S", -1.0)
    monkeypatch.setattr(indexing_, "renew_bulk", lambda _, job: seen.append(job))
    job = start_index(workspace, PLACE.name)
    run_job(workspace, job)
    assert set(seen) == {job.id}


def test_what_a_repair_writes_is_marked(workspace: Workspace) -> None:
    volume, index = _ingested(workspace, index=True)
    url = volume.shard_url((0, 0, 1))
    body = bytearray(store.read(url).body)
    body[len(body) // 2] ^= 0xFF
    store.write(url, bytes(body))
    look = start_fsck(workspace, PLACE.name)
    run_job(workspace, look)
    run_job(workspace, start_repair(workspace, look))
    assert [marker.cell for marker in list_markers(index)] == [(0, 0, 1)]
    _check_answers(volume, index)
    assert compact(Labels(volume, index)).shards == 1
    assert list_markers(index) == []
    _check(volume, index)
