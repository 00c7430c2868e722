"""Writers that slept while others went on: what was written meanwhile stays, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voxlake.compute.fsck.finding import Check
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    findings,
    run_job,
    start_downsample,
    start_fsck,
    start_ingest,
    start_repair,
)
from voxlake.compute.jobs.kinds import kind_of, work_of
from voxlake.compute.passes.downsample import DownsampleTask, Step, downsample_step
from voxlake.compute.passes.plans import LevelReader
from voxlake.compute.passes.rebuild import RebuildTask
from voxlake.compute.passes.region import _RegionPyramid
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.shards.storing import look_at_shard
from voxlake.ngff.shards.stream import stream_shard
from voxlake.ngff.shards.whole import write_shard
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError, LeaseLostError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voxlake.compute.plan import Task
    from voxlake.ngff.volume import Volume
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.store import StoreURL

IMAGE = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
LABELS = Place(DatasetName.parse("c/e/seg"), Kind.LABELS)
FIRST = (0, 0, 0)
CORNER = Box(FIRST, (4, 4, 4))


@pytest.fixture(params=["file", "s3"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    name = {"file": "lake", "s3": "s3_store"}[request.param]
    lake: StoreURL = request.getfixturevalue(name)
    catalog = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    with Workspace.opened(lake, Settings(workers=0, database_url=catalog)) as opened:
        yield opened


@pytest.fixture
def recorded(workspace: Workspace, tmp_path: Path) -> Callable[[Place], Job]:
    """Record an ingest: noise, and a corner that is all fill."""
    voxels = np.random.default_rng(3).integers(1, 9, (70, 70, 140), np.uint8)
    voxels[:, :, 64:128] = 0
    np.save(tmp_path / "source.npy", voxels)

    def record(place: Place) -> Job:
        request = IngestRequest(
            str(tmp_path / "source.npy"), place, VoxelSize(8, 8, 8), index=place.kind is Kind.LABELS
        )
        return start_ingest(workspace, request)

    return record


def _tasks(workspace: Workspace, job: Job) -> list[Task]:
    """Return the tasks of the first stage of a job, as a runner has them."""
    plan = kind_of(job).stages(work_of(workspace, job))[0]
    return [plan.task(index) for index in range(len(plan))]


def _annotate(volume: Volume, box: Box = CORNER, value: int = 77) -> None:
    volume.write(box, np.full(box.shape, value, volume.dtype)).result()


def _holds(volume: Volume, box: Box = CORNER, value: int = 77) -> bool:
    return bool((volume.read(box).result() == value).all())


@pytest.mark.parametrize("place", [IMAGE, LABELS], ids=["image", "labels"])
def test_a_runner_that_slept_through_the_end_of_its_ingest_stores_nothing(
    workspace: Workspace,
    recorded: Callable[[Place], Job],
    monkeypatch: pytest.MonkeyPatch,
    place: Place,
) -> None:
    """It sleeps after it has looked; or between two tasks, and begins the next when it wakes up."""
    job = recorded(place)
    kind_of(job).prepare(work_of(workspace, job))
    late = _tasks(workspace, job)

    def others_go_on() -> None:
        patch.undo()
        run_job(workspace, job)
        _annotate(workspace.dataset(place).level(0))

    with monkeypatch.context() as patch:
        _sleep_after(patch, _RegionPyramid, "_look", others_go_on)
        with pytest.raises((LeaseLostError, ConflictError)):
            late[0]()
    for task in late:
        with pytest.raises(LeaseLostError, match="whole by now"):
            task()
    assert _holds(workspace.dataset(place).level(0))


def test_a_shard_is_stored_on_the_state_that_was_seen(
    workspace: Workspace, recorded: Callable[[Place], Job]
) -> None:
    """As voxels, as a stream, and as one that is all fill: neither replaced nor deleted."""
    run_job(workspace, recorded(IMAGE))
    volume = workspace.dataset(IMAGE).level(0)
    ones = np.ones(volume.shard_box(FIRST).shape, volume.dtype)
    seen = look_at_shard(volume, FIRST)
    _annotate(volume)
    for known in (seen, ""):
        for voxels in (ones, ones * 0):
            with pytest.raises(ConflictError):
                write_shard(volume, FIRST, voxels, known)
    for known in (seen, ""):
        stream = stream_shard(volume, FIRST, known)
        box = volume.shard_box(FIRST)
        stream.put(box, [memoryview(b"x" * 9)] * len(list(box.cells(volume.chunk))))
        with pytest.raises(ConflictError):
            stream.close()
    assert _holds(volume)
    write_shard(volume, FIRST, ones * 0, look_at_shard(volume, FIRST))
    assert _holds(volume, volume.shard_box(FIRST), 0)


def _region(workspace: Workspace) -> Task:
    job = start_downsample(workspace, IMAGE.name)
    return _tasks(workspace, job)[0]


def _shard(workspace: Workspace) -> Task:
    return DownsampleTask(downsample_step(workspace.dataset(IMAGE), 1), FIRST)


def _boxes(workspace: Workspace) -> Task:
    return RebuildTask(downsample_step(workspace.dataset(IMAGE), 1), (CORNER,))


@pytest.mark.parametrize("late", [_region, _shard, _boxes])
def test_levels_that_were_made_of_newer_voxels_stay(
    workspace: Workspace,
    recorded: Callable[[Place], Job],
    monkeypatch: pytest.MonkeyPatch,
    late: Callable[[Workspace], Task],
) -> None:
    """A writer sleeps after it has read; level 0 is written to, and level 1 made of it."""
    run_job(workspace, recorded(IMAGE))
    dataset, task, done = workspace.dataset(IMAGE), late(workspace), list[bool]()

    def others_go_on() -> None:
        if not done:
            done.append(True)
            box = Box(FIRST, (8, 8, 8))
            _annotate(dataset.level(0), box)
            RebuildTask(downsample_step(dataset, 1), (CORNER,))()
            assert _holds(dataset.level(1))

    with monkeypatch.context() as patch:
        _sleep_after(patch, Step, "read", others_go_on)
        _sleep_after(patch, LevelReader, "read_into", others_go_on)
        try:
            task()
        except (ConflictError, CorruptDataError):  # or a part of each of two objects was read
            task()
    assert done
    assert _holds(dataset.level(1))


def _sleep_after(
    patch: pytest.MonkeyPatch, owner: type, name: str, wake: Callable[[], None]
) -> None:
    real = getattr(owner, name)

    def read(*words: Any) -> Any:
        answer = real(*words)
        wake()
        return answer

    patch.setattr(owner, name, read)


@pytest.mark.parametrize("damage", [Check.DAMAGED_SHARD, Check.MISSING_SHARD])
def test_repair_leaves_what_was_written_after_the_look(
    workspace: Workspace, recorded: Callable[[Place], Job], damage: Check
) -> None:
    run_job(workspace, recorded(LABELS))
    volume = workspace.dataset(LABELS).level(0)
    url = volume.shard_url(FIRST)
    whole = store.read(url).body
    if damage is Check.DAMAGED_SHARD:
        store.write(url, whole[:-7])
    else:
        store.delete(url)
    look = start_fsck(workspace, LABELS.name)
    run_job(workspace, look)
    assert damage in {finding.check for finding in findings(workspace, look)}
    if damage is Check.DAMAGED_SHARD:  # restored from a backup, and then written to
        store.write(url, whole)
    _annotate(volume)
    run_job(workspace, start_repair(workspace, look))
    assert _holds(volume)


def test_repair_mends_what_nobody_wrote_to(
    workspace: Workspace, recorded: Callable[[Place], Job]
) -> None:
    run_job(workspace, recorded(LABELS))
    volume = workspace.dataset(LABELS).level(0)
    whole = store.read(volume.shard_url(FIRST)).body
    store.write(volume.shard_url(FIRST), whole[:-7])
    look = start_fsck(workspace, LABELS.name)
    run_job(workspace, look)
    run_job(workspace, start_repair(workspace, look))
    assert store.read(volume.shard_url(FIRST)).body == whole
