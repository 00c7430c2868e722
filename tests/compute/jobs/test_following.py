"""The pyramid follows writes: as if all of it were built anew, whatever happens meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ngff.labels.steps import watch

from voxlake.compute.fsck.finding import Check
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    findings,
    following,
    run_job,
    start_downsample,
    start_fsck,
    start_ingest,
    start_verify,
)
from voxlake.compute.jobs.following import queue_stale
from voxlake.compute.jobs.kinds import kind_of, work_of
from voxlake.compute.jobs.kinds.downsample import DownsampleSpec
from voxlake.compute.jobs.kinds.verify import count_behind
from voxlake.compute.jobs.worker import Pace, work_off
from voxlake.compute.passes.downsample import Step
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff import stale
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.stale import Mark, list_marks, marked
from voxlake.ngff.writing import write_voxels
from voxlake.platform import store
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.store import StoreURL

SHAPE = (40, 70, 300)
STEPS = ((2, 2, 2), (1, 3, 2), (2, 1, 2))
CORNER = Box((3, 5, 7), (20, 30, 90))


@dataclass(frozen=True)
class Written:
    """A dataset with levels, that is written to."""

    workspace: Workspace
    place: Place

    @property
    def dataset(self) -> Dataset:
        """The dataset, opened anew."""
        return self.workspace.dataset(self.place)

    def write(self, box: Box, value: int) -> None:
        """Write noise around a value, as every writer does: within a mark."""
        volume = self.dataset.level(0)
        voxels = np.random.default_rng(value).integers(value, value + 9, box.shape)
        with marked(volume, [box]):
            volume.write(box, voxels.astype(volume.dtype)).result()

    def begin(self) -> Job:
        """Record a job that builds what is stale."""
        return start_downsample(self.workspace, self.place.name, stale=True)

    def go_on(self, job: Job) -> None:
        """Do the tasks of a job and finish it, as a runner does that knows of none as done."""
        kind, work = kind_of(job), work_of(self.workspace, job)
        for plan in kind.stages(work):
            for index in range(len(plan)):
                plan.task(index)()
        kind.finish(work)

    def follow(self) -> None:
        """Build what is stale."""
        self.go_on(self.begin())

    def marks(self) -> list[Mark]:
        """Return the marks that are left."""
        return list_marks(self.dataset.level_url(0))

    def check(self) -> None:
        """Hold every level against what the whole of level 0 gives."""
        dataset = self.dataset
        voxels = dataset.level(0).read(dataset.level(0).box).result()
        for level in range(1, dataset.levels):
            voxels = downsample(voxels, dataset.step(level), dataset.reduction)
            volume = dataset.level(level)
            np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    stale.forget_marks()
    yield
    stale.forget_marks()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks are settled at once: nobody writes in these tests but where they say so."""
    monkeypatch.setattr(stale, "SETTLED_S", -1.0)
    monkeypatch.setattr(stale, "OPEN_S", 0.0)


def _ingest(workspace: Workspace, folder: Path, kind: Kind) -> Written:
    place = Place(DatasetName.parse(f"c/e/{kind.value}"), kind)
    np.save(folder / "source.npy", np.random.default_rng(3).integers(0, 9, SHAPE, np.uint8))
    request = IngestRequest(str(folder / "source.npy"), place, VoxelSize(8, 8, 8), factors=STEPS)
    run_job(workspace, start_ingest(workspace, request))
    return Written(workspace, place)


@pytest.fixture(params=["file", "s3"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    name = {"file": "lake", "s3": "s3_store"}[request.param]
    lake: StoreURL = request.getfixturevalue(name)
    catalog = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    with Workspace.opened(lake, Settings(workers=0, database_url=catalog)) as opened:
        yield opened


@pytest.fixture(params=[Kind.IMAGE, Kind.LABELS], ids=str)
def written(request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path) -> Written:
    return _ingest(workspace, tmp_path, request.param)


@pytest.fixture
def image(workspace: Workspace, tmp_path: Path) -> Written:
    return _ingest(workspace, tmp_path, Kind.IMAGE)


starts = st.tuples(*(st.integers(0, n - 1) for n in SHAPE))
corners = st.lists(st.tuples(starts, starts), min_size=1, max_size=5)


def _box(corner: tuple[int, ...], other: tuple[int, ...]) -> Box:
    return Box(
        tuple(map(min, corner, other)),
        tuple(max(pair) + 1 for pair in zip(corner, other, strict=True)),
    )


@pytest.mark.usefixtures("at_once")
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(corners, min_size=1, max_size=2))
def test_levels_are_as_if_all_were_built_anew(
    written: Written, rounds: list[list[tuple[tuple[int, ...], tuple[int, ...]]]]
) -> None:
    """Odd boxes, odd factors of each axis, images and labels, in a folder and on S3."""
    for number, pairs in enumerate(rounds):
        for pair in pairs:
            written.write(_box(*pair), 20 * number + 10)
        written.follow()
        assert written.marks() == []
    written.check()


@pytest.mark.usefixtures("at_once")
def test_only_what_is_marked_is_built(image: Written) -> None:
    image.write(CORNER, 50)
    job = image.begin()
    plans = kind_of(job).stages(work_of(image.workspace, job))
    first = plans[0].voxels
    marked_voxels = sum(mark.box.size for mark in image.marks())
    assert first * 8 <= marked_voxels < image.dataset.level(0).box.size
    image.go_on(job)
    assert DownsampleSpec.model_validate(image.begin().spec).boxes == ()


def test_a_mark_stays_while_who_made_it_may_rely_on_it(
    image: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.write(CORNER, 50)
    image.follow()
    image.check()
    assert len(image.marks()) == 1
    image.write(CORNER, 90)  # by the same mark
    assert len(image.marks()) == 1
    monkeypatch.setattr(stale, "SETTLED_S", -1.0)
    image.follow()
    image.check()
    assert image.marks() == []


@pytest.mark.parametrize("level", [1, 2])
def test_what_is_written_while_the_job_reads_is_not_lost(
    written: Written, monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    """A writer that slept on its mark, and another that makes one, while a level is made."""
    monkeypatch.setattr(stale, "OPEN_S", 0.0)
    written.write(CORNER, 50)
    reads, real = list[str](), Step.read
    late = marked(written.dataset.level(0), [CORNER])
    late.__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(stale, "SETTLED_S", -1.0)
        stale_now = written.begin()
    assert len(DownsampleSpec.model_validate(stale_now.spec).marks) == 2

    def read(step: Step, box: Box) -> npt.NDArray[Any]:
        voxels = real(step, box)
        if step.coarser.name == str(level) and not reads:
            reads.append("written")
            written.write(Box((0, 0, 0), (9, 9, 250)), 90)
        return voxels

    monkeypatch.setattr(Step, "read", read)
    written.go_on(stale_now)
    assert reads
    assert written.marks()
    written.follow()
    written.check()
    late.__exit__(None, None, None)


@pytest.mark.usefixtures("at_once")
def test_two_jobs_at_once_and_a_writer_leave_the_newest(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sleeps after it has read; meanwhile voxels change, and another job is done with them."""
    written.write(CORNER, 50)
    sleeper, real, slept = written.begin(), Step.read, list[Box]()

    def read(step: Step, box: Box) -> npt.NDArray[Any]:
        voxels = real(step, box)
        if not slept:
            slept.append(box)
            written.write(CORNER, 90)
            written.follow()
        return voxels

    with monkeypatch.context() as patch:
        patch.setattr(Step, "read", read)
        written.go_on(sleeper)
    assert slept
    assert written.marks() == []
    written.check()


@pytest.mark.usefixtures("at_once")
def test_a_job_may_be_killed_at_every_step(image: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is resumed; or given up, and another takes its place, which the marks tell what to do."""
    steps = watch(monkeypatch)
    image.write(CORNER, 30)
    total = steps.run(image.follow, {})
    assert total > 10
    for step in range(0, total, 1 if image.workspace.lake.is_local else 5):
        image.write(CORNER, 40 + step)
        job = image.begin()
        steps.run(partial(image.go_on, job), {step: "kill after" if step % 2 else "kill before"})
        if step % 3:
            image.go_on(job)
        else:
            image.follow()
        assert image.marks() == []
        image.check()


@pytest.mark.usefixtures("at_once")
def test_building_all_anew_deletes_the_marks_as_well(image: Written) -> None:
    image.write(CORNER, 50)
    run_job(image.workspace, start_downsample(image.workspace, image.place.name))
    assert image.marks() == []
    image.check()


@pytest.mark.usefixtures("at_once")
def test_given_boxes_leave_the_marks(image: Written) -> None:
    image.write(CORNER, 50)
    run_job(image.workspace, start_downsample(image.workspace, image.place.name, (CORNER,)))
    assert len(image.marks()) == 1


@pytest.mark.usefixtures("at_once")
def test_a_worker_follows(image: Written) -> None:
    """It queues one job for a dataset, not another while that is unfinished, and runs it."""
    assert queue_stale(image.workspace) == []
    image.write(CORNER, 50)
    (job,) = queue_stale(image.workspace)
    assert queue_stale(image.workspace) == []
    image.write(CORNER, 90)
    for _ in range(2):
        pace = Pace(0.01, 60, follow_s=60)
        told = list(work_off(image.workspace, Event(), jobs=None, until_idle=True, pace=pace))
        assert [each.state for each, begins, _ in told if not begins] == [JobState.DONE]
    assert told[0][0].id != job.id
    image.check()
    assert image.marks() == []


@pytest.mark.usefixtures("at_once")
def test_a_job_that_failed_is_taken_up_again(
    image: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has rested: until then, and while it waits, nothing is queued."""
    image.write(CORNER, 50)
    (job,) = queue_stale(image.workspace)
    ledger = image.workspace.catalog.ledger
    ledger.set_state(ledger.claim(job.id), JobState.FAILED, "the disk was full")
    assert queue_stale(image.workspace) == []
    monkeypatch.setattr(following, "_RESTS", timedelta(0))
    assert [again.id for again in queue_stale(image.workspace)] == [job.id]
    assert queue_stale(image.workspace) == []
    run_job(image.workspace, ledger.get_job(job.id))
    image.check()
    assert image.marks() == []


def test_a_dataset_that_is_damaged_holds_up_no_other(workspace: Workspace, tmp_path: Path) -> None:
    image, labels = (_ingest(workspace, tmp_path, kind) for kind in (Kind.IMAGE, Kind.LABELS))
    for each in (image, labels):
        each.write(CORNER, 50)
    store.write(image.dataset.level_url(0) / "zarr.json", b"{")
    assert [job.dataset for job in queue_stale(workspace)] == [labels.place.name]


def _found(workspace: Workspace, place: Place) -> list[tuple[Check, int | None]]:
    look = start_fsck(workspace, place.name)
    run_job(workspace, look)
    return [(finding.check, finding.level) for finding in findings(workspace, look)]


def test_what_is_behind_is_no_damage(written: Written) -> None:
    """Verify and fsck tell of it, and of voxels that differ elsewhere, as ever."""
    workspace, place = written.workspace, written.place
    written.write(CORNER, 50)
    verify = start_verify(workspace, place.name, None)
    assert run_job(workspace, verify).differences == ()
    assert count_behind(workspace, verify) > 0
    advice = _found(workspace, place)
    assert (Check.ADVICE, 1) in advice
    assert {check for check, _ in advice} == {Check.ADVICE}
    other = Box((38, 60, 280), (40, 64, 290))
    volume = written.dataset.level(0)
    volume.write(other, np.full(other.shape, 99, volume.dtype)).result()  # without a mark
    verify = start_verify(workspace, place.name, None)
    (first, *_) = run_job(workspace, verify).differences
    assert first.different == -(-other.shape[0] // 2) * -(-other.shape[1] // 2) * 5
    assert (Check.STALE_SHARD, 1) in _found(workspace, place)


def test_what_was_erased_and_not_yet_above_is_no_lost_shard(image: Written) -> None:
    """Of a shard that becomes all fill nothing is stored, in a folder; the levels have it still."""
    volume = image.dataset.level(0)
    write_voxels(volume, volume.box, np.zeros(volume.shape, volume.dtype))
    found = {check for check, _ in _found(image.workspace, image.place)}
    assert Check.ADVICE in found
    assert not found & {Check.MISSING_SHARD, Check.STALE_SHARD}


def test_a_level_that_is_made_while_it_is_compared_is_no_damage(
    image: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its marks are gone by the time that they are looked at."""
    monkeypatch.setattr(stale, "SETTLED_S", -1.0)
    image.write(CORNER, 50)
    real, followed = Step.read, list[str]()

    def read(step: Step, box: Box) -> npt.NDArray[Any]:
        voxels = real(step, box)
        if not followed:
            followed.append("once")
            image.follow()
        return voxels

    verify = start_verify(image.workspace, image.place.name, None)
    monkeypatch.setattr(Step, "read", read)
    assert run_job(image.workspace, verify).differences == ()
    assert followed
    assert image.marks() == []


def test_many_write_while_jobs_follow(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that anybody wrote is forgotten, however their writes and the jobs fall together."""
    for name, seconds in (("OPEN_S", 0.02), ("LATE_S", 0.1), ("SETTLED_S", 0.3)):
        monkeypatch.setattr(stale, name, seconds)
    volume = written.dataset.level(0)

    def write(writer: int) -> None:
        rng = np.random.default_rng(writer)
        for _ in range(6):
            corners = rng.integers(0, SHAPE, (2, 3))
            box = _box(tuple(corners[0].tolist()), tuple(corners[1].tolist()))
            write_voxels(volume, box, np.full(box.shape, 20 + writer, volume.dtype))

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        while not all(each.done() for each in writers):
            written.follow()
        for each in writers:
            each.result()
    time.sleep(0.4)
    written.follow()
    assert written.marks() == []
    written.check()
