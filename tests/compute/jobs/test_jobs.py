"""Jobs, from a source to a dataset: run, failed, set aside, resumed, verified."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from voxlake.compute.jobs import (
    Event,
    IngestRequest,
    StageStarted,
    TaskFinished,
    Workspace,
    run_job,
    start_downsample,
    start_index,
    start_ingest,
    start_verify,
)
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import Reduction, default_reduction
from voxlake.ngff.labels.scan import stored as scanning
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    JobFailedError,
    LimitExceededError,
    NotFoundError,
    OutOfBoundsError,
    PlanChangedError,
    SourceError,
    UnsupportedError,
)
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

SIZE = VoxelSize(10, 10, 10)
IMAGE = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
LABELS = Place(DatasetName.parse("c/e/seg"), Kind.LABELS, of="em")
SHAPE = (67, 71, 130)


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.fixture
def voxels() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 255, SHAPE, np.uint8)


@pytest.fixture
def image(tmp_path: Path, voxels: np.ndarray) -> str:
    np.save(tmp_path / "em.npy", voxels)
    return str(tmp_path / "em.npy")


@pytest.fixture
def labels(tmp_path: Path, voxels: np.ndarray) -> str:
    np.save(tmp_path / "seg.npy", voxels.astype(np.int32) // 100)
    return str(tmp_path / "seg.npy")


def _ingest(workspace: Workspace, source: str, place: Place = IMAGE) -> None:
    request = IngestRequest(source, place, SIZE, index=place.kind is Kind.LABELS)
    run_job(workspace, start_ingest(workspace, request))


def test_every_level_is_what_numpy_says(
    workspace: Workspace, image: str, labels: str, voxels: np.ndarray
) -> None:
    _ingest(workspace, image)
    _ingest(workspace, labels, LABELS)
    for place, expected in ((IMAGE, voxels), (LABELS, (voxels // 100).astype(np.uint64))):
        dataset = workspace.dataset(place)
        assert dataset.levels == 3
        level = expected
        for number in range(dataset.levels):
            volume = dataset.level(number)
            np.testing.assert_array_equal(volume.read(volume.box).result(), level)
            level = downsample(level, (2, 2, 2), default_reduction(place.kind))
        assert workspace.catalog.get_dataset(place.name).state is DatasetState.READY


def test_events_and_summary_agree_with_the_ledger(workspace: Workspace, image: str) -> None:
    events: list[Event] = []
    job = start_ingest(workspace, IngestRequest(image, IMAGE, SIZE))
    summary = run_job(workspace, job, events.append)
    started = [event for event in events if isinstance(event, StageStarted)]
    finished = [event for event in events if isinstance(event, TaskFinished)]
    assert [event.stage for event in started] == ["ingest"]
    assert sum(event.tasks for event in started) == len(finished) == summary.tasks
    assert sum(event.voxels for event in started) == summary.voxels
    assert workspace.catalog.ledger.get_job(job.id).state is JobState.DONE


def test_verify_names_the_shard_that_differs(
    workspace: Workspace, image: str, voxels: np.ndarray
) -> None:
    _ingest(workspace, image)
    clean = run_job(workspace, start_verify(workspace, IMAGE.name, image))
    assert clean.differences == ()
    assert clean.voxels > voxels.size
    volume = workspace.dataset(IMAGE).level(0)
    changed = volume.read(volume.box).result()
    changed[66, 70, 129] ^= 1
    volume.write(volume.box, changed).result()
    dirty = run_job(workspace, start_verify(workspace, IMAGE.name, image))
    assert [difference.different for difference in dirty.differences] == [1]
    assert str(volume.shard_url((0, 0, 0))) in dirty.differences[0].shard
    assert "(66, 70, 129)" in str(dirty.differences[0].note)


def test_verify_reports_a_flipped_bit(workspace: Workspace, image: str) -> None:
    _ingest(workspace, image)
    url = workspace.dataset(IMAGE).level(0).shard_url((0, 0, 0))
    body = bytearray(store.read(url).body)
    body[len(body) // 2] ^= 16
    store.write(url, bytes(body))
    summary = run_job(workspace, start_verify(workspace, IMAGE.name, image))
    assert "damaged" in str(summary.differences[0].note)


def test_downsample_mends_the_levels(workspace: Workspace, image: str, voxels: np.ndarray) -> None:
    _ingest(workspace, image)
    dataset = workspace.dataset(IMAGE)
    store.delete_tree(dataset.level_url(1) / "c")
    run_job(workspace, start_downsample(workspace, IMAGE.name))
    level = dataset.level(1)
    expected = downsample(voxels, (2, 2, 2), Reduction.MEAN)
    np.testing.assert_array_equal(level.read(level.box).result(), expected)


@pytest.mark.folder
def test_a_failing_task_is_set_aside_and_resumed(
    workspace: Workspace, tmp_path: Path, voxels: np.ndarray
) -> None:
    """A store that fails for one shard: a folder stands where the shard's object goes."""
    settings = workspace.settings.model_copy(update={"task_bytes": 1})  # a task for each shard
    workspace = dataclasses.replace(workspace, settings=settings)
    np.save(tmp_path / "wide.npy", np.concatenate([voxels] * 8, axis=2))
    place = Place(DatasetName.parse("c/e/wide"), Kind.IMAGE)
    job = start_ingest(workspace, IngestRequest(str(tmp_path / "wide.npy"), place, SIZE))
    block = workspace.lake / place.key / "0" / "c" / "0" / "0" / "1"
    (block.path / "in-the-way").mkdir(parents=True)
    with pytest.raises(JobFailedError, match="1 of 3 tasks of stage ingest") as failure:
        run_job(workspace, job)
    assert failure.value.__notes__ == [
        f"what is done stays done; go on with: voxlake jobs resume {job.id}"
    ]
    ledger = workspace.catalog.ledger
    assert ledger.get_job(job.id).state is JobState.DEGRADED
    assert [f.attempts for f in ledger.failures(job.id)] == [3]
    assert workspace.catalog.get_dataset(place.name).state is DatasetState.FAILED
    (block.path / "in-the-way").rmdir()
    block.path.rmdir()
    summary = run_job(workspace, job)
    assert summary.stages[0].ran == 1
    assert workspace.catalog.get_dataset(place.name).state is DatasetState.READY
    with pytest.raises(ConflictError, match="done"):
        run_job(workspace, job)


def test_a_source_that_changed_stops_the_resume(
    workspace: Workspace, image: str, voxels: np.ndarray
) -> None:
    job = start_ingest(workspace, IngestRequest(image, IMAGE, SIZE))
    np.save(image, voxels[::-1])
    with pytest.raises(PlanChangedError):
        run_job(workspace, job)
    assert workspace.catalog.ledger.get_job(job.id).state is JobState.FAILED


def test_running_every_task_twice_changes_nothing(workspace: Workspace, image: str) -> None:
    _ingest(workspace, image)
    url = workspace.lake / IMAGE.key
    before = {info.url: store.read(info.url).body for info in store.walk(url)}
    run_job(workspace, start_downsample(workspace, IMAGE.name))
    assert {info.url: store.read(info.url).body for info in store.walk(url)} == before


class TestRefused:
    """Bad requests leave nothing behind: no job, no record, no object."""

    @pytest.fixture(autouse=True)
    def _nothing_left(self, workspace: Workspace) -> Iterator[None]:
        yield
        assert workspace.catalog.list_datasets() == []
        assert workspace.catalog.ledger.list_jobs() == []
        assert [
            info for info in store.walk(workspace.lake) if ".voxlake" not in str(info.url)
        ] == []

    def test_float64_image(self, workspace: Workspace, tmp_path: Path) -> None:
        np.save(tmp_path / "f.npy", np.zeros((4, 4, 4)))
        with pytest.raises(UnsupportedError, match="float64"):
            start_ingest(workspace, IngestRequest(str(tmp_path / "f.npy"), IMAGE, SIZE))

    def test_missing_slice(self, workspace: Workspace, tmp_path: Path) -> None:
        for z in (0, 1, 3):
            tifffile.imwrite(tmp_path / f"s{z:03}.tif", np.zeros((8, 8), np.uint8))
        with pytest.raises(SourceError, match="2"):
            start_ingest(workspace, IngestRequest(str(tmp_path), IMAGE, SIZE))

    def test_no_voxel_size(self, workspace: Workspace, image: str) -> None:
        with pytest.raises(InvalidInputError, match="how large a voxel is"):
            start_ingest(workspace, IngestRequest(image, IMAGE))

    def test_labels_of_no_image(self, workspace: Workspace, labels: str) -> None:
        with pytest.raises(NotFoundError):
            start_ingest(workspace, IngestRequest(labels, LABELS, SIZE))

    def test_too_many_levels(self, workspace: Workspace, image: str) -> None:
        with pytest.raises(InvalidInputError, match="at most"):
            start_ingest(workspace, IngestRequest(image, IMAGE, SIZE, levels=40))


def test_an_existing_dataset_is_not_touched(workspace: Workspace, image: str) -> None:
    _ingest(workspace, image)
    with pytest.raises(ConflictError, match="exists"):
        start_ingest(workspace, IngestRequest(image, IMAGE, SIZE))
    workspace.catalog.remove_dataset(IMAGE.name)
    with pytest.raises(ConflictError, match="that the catalog does not know"):
        start_ingest(workspace, IngestRequest(image, IMAGE, SIZE))


def test_labels_must_cover_their_image(workspace: Workspace, image: str, tmp_path: Path) -> None:
    _ingest(workspace, image)
    np.save(tmp_path / "small.npy", np.zeros((5, 5, 5), np.uint16))
    with pytest.raises(SourceError, match="voxel by voxel"):
        start_ingest(workspace, IngestRequest(str(tmp_path / "small.npy"), LABELS))
    np.save(tmp_path / "seg.npy", np.zeros(SHAPE, np.uint16))
    with pytest.raises(OutOfBoundsError, match="the image has 3"):
        start_ingest(workspace, IngestRequest(str(tmp_path / "seg.npy"), LABELS, levels=2))


def test_negative_labels_stop_the_job(workspace: Workspace, image: str, tmp_path: Path) -> None:
    _ingest(workspace, image)
    np.save(tmp_path / "seg.npy", np.full(SHAPE, -1, np.int64))
    job = start_ingest(workspace, IngestRequest(str(tmp_path / "seg.npy"), LABELS))
    with pytest.raises(SourceError, match=r"has -1 at voxel \(0, 0, 0\), which uint64 cannot hold"):
        run_job(workspace, job)
    assert workspace.catalog.ledger.get_job(job.id).state is JobState.FAILED


def test_an_ingest_indexes_labels_without_reading_them_back(
    workspace: Workspace, image: str, labels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ingest(workspace, image)
    with monkeypatch.context() as patched:
        patched.setattr(scanning, "unpack_chunks", None)  # Decoding a shard would fail.
        _ingest(workspace, labels, LABELS)
    finest, index = workspace.dataset(LABELS).level(0), workspace.lake / LABELS.index_key
    written = {info.url.key: store.read(info.url).body for info in store.walk(index / "shards")}
    assert len(written) == len(list(finest.box.cells(finest.shard)))
    run_job(workspace, start_index(workspace, LABELS.name))
    again = {info.url.key: store.read(info.url).body for info in store.walk(index / "shards")}
    assert again == written


def test_images_have_no_label_index(workspace: Workspace, image: str) -> None:
    _ingest(workspace, image)
    with pytest.raises(UnsupportedError, match="only labels"):
        start_index(workspace, IMAGE.name)


def test_memory_is_refused_before_a_voxel_is_read(lake: StoreURL, image: str) -> None:
    with Workspace.opened(lake, Settings(workers=0, memory_limit_bytes=1000)) as workspace:
        job = start_ingest(workspace, IngestRequest(image, IMAGE, SIZE))
        with pytest.raises(LimitExceededError, match="VOXLAKE_MEMORY_LIMIT_BYTES"):
            run_job(workspace, job)


def test_labels_are_listed_with_their_image(workspace: Workspace, image: str, labels: str) -> None:
    _ingest(workspace, image)
    _ingest(workspace, labels, LABELS)
    listed = json.loads(store.read(workspace.lake / IMAGE.key / "labels/zarr.json").body)
    assert listed["attributes"]["ome"] == {"version": "0.5", "labels": ["seg"]}
