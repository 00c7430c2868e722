"""Datasets that are deleted, renamed, made again: names are free, and nothing else is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.compute.jobs.conftest import stored

from voxlake.client import Lake
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_fsck,
    start_index,
    start_ingest,
    start_remove,
)
from voxlake.compute.jobs.cancelling import cancel_job
from voxlake.compute.jobs.kinds import ingest as ingest_kind
from voxlake.compute.jobs.kinds import remove as remove_kind
from voxlake.compute.jobs.kinds.remove import RemoveSpec
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place, discover
from voxlake.ngff.metadata.names import keep_name
from voxlake.platform import store
from voxlake.platform.access import Principal
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    UNREADABLE,
    ConflictError,
    NotFoundError,
    StoreUnavailableError,
)
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.platform.jobs.record import Job

EM = DatasetName.parse("c/e/em")
SEG, NUCLEI, RAW = EM.sibling("seg"), EM.sibling("nuclei"), EM.sibling("raw")
IMAGE = Place(EM, Kind.IMAGE)
LABELS = Place(SEG, Kind.LABELS, of="em")


@pytest.fixture
def begin(workspace: Workspace, tmp_path: Path) -> Callable[..., Job]:
    """Record the ingest of a volume of one value."""

    def record(place: Place, value: int = 1) -> Job:
        path = tmp_path / f"{value}.npy"
        if not path.exists():
            np.save(path, np.full((4, 5, 6), value, np.uint8))
        request = IngestRequest(
            str(path), place, VoxelSize(8, 8, 8), index=place.kind is Kind.LABELS
        )
        return start_ingest(workspace, request)

    return record


@pytest.fixture
def ingest(workspace: Workspace, begin: Callable[..., Job]) -> Callable[..., None]:
    def run(place: Place, value: int = 1) -> None:
        run_job(workspace, begin(place, value))

    return run


@pytest.fixture(params=[IMAGE, LABELS], ids=["image", "labels"])
def place(request: pytest.FixtureRequest) -> Place:
    """Where a dataset is to be made."""
    made: Place = request.param
    return made


@pytest.fixture
def failed(
    workspace: Workspace,
    ingest: Callable[..., None],
    begin: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    place: Place,
) -> Job:
    """The job of an ingest to `place` that failed before its first voxel."""
    if place.of is not None:
        ingest(IMAGE)
    job = begin(place)
    with monkeypatch.context() as patched:
        patched.setattr(ingest_kind, "plan_passes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_job(workspace, job)
    return job


def _remove(workspace: Workspace, name: DatasetName, *, with_labels: bool = False) -> None:
    run_job(workspace, start_remove(workspace, name, with_labels=with_labels))


def _values(workspace: Workspace, name: DatasetName) -> set[int]:
    """Return the values of a dataset; every voxel of it must be read from where it lies."""
    volume = workspace.dataset(workspace.place(name)).level(0)
    return set(np.unique(volume.read(volume.box).result()).tolist())


def test_what_is_deleted_leaves_nothing_and_its_name_is_free(
    workspace: Workspace, ingest: Callable[..., None]
) -> None:
    ingest(IMAGE)
    before = stored(workspace.lake)
    ingest(LABELS, 5)
    _remove(workspace, SEG)
    assert stored(workspace.lake) - before <= {"c/e/em.ome.zarr/labels/zarr.json"}
    assert [place.name for place in discover(workspace.lake)] == [EM]
    ingest(LABELS, 6)
    assert _values(workspace, SEG) == {6}
    labels = Lake.at(str(workspace.lake)).open_labels(str(SEG))
    assert labels.view().extent(6).voxels == 120
    _remove(workspace, EM, with_labels=True)
    assert stored(workspace.lake) == set()
    assert workspace.catalog.list_datasets() == []
    ingest(IMAGE, 3)
    assert _values(workspace, EM) == {3}


def test_labels_inside_an_image_are_not_deleted_unasked(
    workspace: Workspace, ingest: Callable[..., None]
) -> None:
    ingest(IMAGE)
    ingest(LABELS)
    with pytest.raises(ConflictError, match=r"labels seg lie inside c/e/em.*--with-labels"):
        start_remove(workspace, EM)
    workspace.catalog.remove_dataset(SEG)  # which the store still has
    with pytest.raises(ConflictError, match="labels seg lie inside c/e/em"):
        start_remove(workspace, EM)
    assert workspace.catalog.get_dataset(EM).state is DatasetState.READY


def test_nothing_is_deleted_under_a_job(
    workspace: Workspace, ingest: Callable[..., None], begin: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    ingest(LABELS)
    ledger = workspace.catalog.ledger
    running = ledger.claim(start_fsck(workspace, EM).id)
    queued = ledger.enqueue(start_index(workspace, SEG).id)
    to_come = ledger.enqueue(begin(Place(NUCLEI, Kind.LABELS, of="em")).id)
    left = [running.job, queued.id, to_come.id]
    while left:
        with pytest.raises(ConflictError, match="is worked on") as refused:
            start_remove(workspace, EM, with_labels=True)
        assert all(job in str(refused.value) for job in left)
        ledger.cancel(job := left.pop())
        if job == running.job:
            ledger.set_state(running, JobState.INTERRUPTED)
    _remove(workspace, EM, with_labels=True)


@pytest.mark.parametrize("cut", ["purge_dataset", "delete_tree"])
def test_a_deletion_that_is_cut_off_is_hidden_and_gone_on_with(
    workspace: Workspace,
    ingest: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    cut: str,
) -> None:
    ingest(IMAGE)
    ingest(LABELS)

    def fail(*_: object) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(remove_kind if cut == "purge_dataset" else store, cut, fail)
        patched.setattr("voxlake.compute.jobs.recorder.Recorder.patiently", lambda _, ask: ask())
        with pytest.raises(StoreUnavailableError):
            _remove(workspace, EM, with_labels=True)
    assert {r.state for r in workspace.catalog.list_datasets()} == {DatasetState.REMOVING}
    if cut == "delete_tree":  # what is left is no dataset of zeros
        with pytest.raises(UNREADABLE):
            workspace.dataset(LABELS)
    job = start_remove(workspace, EM)
    with pytest.raises(ConflictError, match="deleted in part"):
        cancel_job(workspace, job.id)
    run_job(workspace, job)
    assert workspace.catalog.list_datasets() == []
    assert stored(workspace.lake) == set()


def test_a_name_that_was_given_away_is_free_and_nothing_is_written_over(
    workspace: Workspace, ingest: Callable[..., None]
) -> None:
    ingest(IMAGE)
    ingest(LABELS, 5)
    workspace.catalog.move_dataset(EM, RAW)
    workspace.catalog.move_dataset(SEG, NUCLEI)
    for record in workspace.catalog.list_datasets():
        keep_name(workspace.lake, record.url, record.name)
    ingest(IMAGE, 2)
    ingest(LABELS, 6)
    ingest(Place(SEG.sibling("cells"), Kind.LABELS, of="raw"), 7)
    ingest(Place(SEG.sibling("seg2"), Kind.LABELS, of="raw"), 8)
    values = {RAW: 1, NUCLEI: 5, EM: 2, SEG: 6, EM.sibling("cells"): 7, EM.sibling("seg2"): 8}
    lake = Lake.at(str(workspace.lake))
    assert {place.name: place.of for place in discover(workspace.lake)} == {
        record.name: record.of for record in workspace.catalog.list_datasets()
    }
    for name, value in values.items():
        assert _values(workspace, name) == {value}
        record = workspace.catalog.get_dataset(name)
        assert lake.address(str(name)) == str(workspace.lake / record.url)
        if record.kind == "labels":
            assert lake.open_labels(str(name)).ask(lambda view: view.all()).labels == [value]
    for name in (NUCLEI, EM.sibling("cells")):
        _remove(workspace, name)
    _remove(workspace, RAW, with_labels=True)
    assert _values(workspace, EM) == {2}
    assert _values(workspace, SEG) == {6}


def test_a_group_that_was_copied_is_not_the_one_that_was_renamed(
    workspace: Workspace, ingest: Callable[..., None]
) -> None:
    ingest(IMAGE)
    keep_name(workspace.lake, IMAGE.key, RAW)
    copy = workspace.lake / "c/e/copy.ome.zarr/zarr.json"
    store.write(copy, store.read(workspace.lake / IMAGE.key / "zarr.json").body)
    assert {place.name for place in discover(workspace.lake)} == {RAW, EM.sibling("copy")}
    with pytest.raises(NotFoundError, match="no dataset c/e/em"):
        Lake.at(str(workspace.lake)).address(str(EM))


def test_the_same_ingest_goes_on_and_another_is_told_how(
    workspace: Workspace, begin: Callable[..., Job], failed: Job, place: Place
) -> None:
    with pytest.raises(ConflictError, match=f"jobs resume {failed.id}.*jobs cancel {failed.id}"):
        begin(place, 2)
    assert begin(place).id == failed.id
    run_job(workspace, failed)
    assert _values(workspace, place.name) == {1}
    with pytest.raises(ConflictError, match=f"voxlake rm {place.name}"):
        begin(place)


@pytest.mark.parametrize("how", ["cancel", "remove"])
def test_a_name_is_free_after_an_ingest_that_failed(
    workspace: Workspace, ingest: Callable[..., None], failed: Job, place: Place, how: str
) -> None:
    assert workspace.catalog.get_dataset(place.name).state is DatasetState.FAILED
    if how == "cancel":
        cancel_job(workspace, failed.id)
    else:
        _remove(workspace, place.name)
    ingest(place, 2)
    assert _values(workspace, place.name) == {2}


def test_a_worker_deletes_what_the_catalog_hides(
    workspace: Workspace, begin: Callable[..., Job]
) -> None:
    for place in (IMAGE, LABELS):
        run_job(workspace, begin(place))
    by = Principal("ada", is_owner=True)
    job, _ = workspace.catalog.deletion.begin(EM, by, with_labels=True)
    recorded = RemoveSpec.model_validate(job.spec)
    assert (recorded.place, recorded.with_labels) == (IMAGE, True)
    # The name is free at once, and another gets a place of its own until the worker is done.
    run_job(workspace, begin(IMAGE))
    assert workspace.catalog.get_dataset(EM).url == "c/e/em-2.ome.zarr"
    run_job(workspace, job)
    assert [place.key for place in discover(workspace.lake)] == ["c/e/em-2.ome.zarr"]
    assert workspace.dataset(workspace.place(EM)).level(0).shape
    assert workspace.catalog.taken_urls() == {"c/e/em-2.ome.zarr"}
    run_job(workspace, begin(LABELS))
