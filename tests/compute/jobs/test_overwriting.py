"""Datasets that are written over: the old one is whole until the new one is, and is then gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    start_verify,
)
from voxlake.compute.jobs.cancelling import cancel_job
from voxlake.compute.jobs.kinds import ingest as ingest_kind
from voxlake.compute.jobs.kinds import overwriting
from voxlake.compute.jobs.kinds.fsck import findings
from voxlake.compute.verify.source import VerifySourceTask
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.labels.merges import merge
from voxlake.ngff.labels.view import View
from voxlake.ngff.lake import Place, index_of
from voxlake.ngff.making.replacing import Replacement
from voxlake.ngff.making.unfinished import Making, is_whole
from voxlake.ngff.metadata.names import keep_name
from voxlake.ngff.validate import validate_dataset
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    InvalidInputError,
    LeaseLostError,
    UnsupportedError,
)
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.compute.verify.results import ComparedRegion
    from voxlake.platform.jobs.record import Job

EM = DatasetName.parse("c/e/em")
SEG = EM.sibling("seg")
IMAGE = Place(EM, Kind.IMAGE)
LABELS = Place(SEG, Kind.LABELS, of="em")
ALONE = Place(SEG, Kind.LABELS)
SHAPE = (4, 5, 6)


@pytest.fixture(autouse=True)
def _no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overwriting, "LINGER_S", 0)


@pytest.fixture
def begin(workspace: Workspace, tmp_path: Path) -> Callable[..., Job]:
    """Record the ingest of a volume of one value."""

    def record(
        place: Place,
        value: int = 1,
        shape: tuple[int, ...] = SHAPE,
        size: VoxelSize = VoxelSize(8, 8, 8),  # noqa: B008  (frozen)
        **options: Any,
    ) -> Job:
        path = tmp_path / f"{value}-{'x'.join(map(str, shape))}.npy"
        if not path.exists():
            np.save(path, np.full(shape, value, np.uint8))
        options = {"index": place.kind is Kind.LABELS, "overwrite": True} | options
        return start_ingest(workspace, IngestRequest(str(path), place, size, **options))

    return record


@pytest.fixture
def ingest(workspace: Workspace, begin: Callable[..., Job]) -> Callable[..., Job]:
    def run(place: Place, value: int = 1, **options: object) -> Job:
        job = begin(place, value, **options)
        run_job(workspace, job)
        return job

    return run


def _voxels(workspace: Workspace, name: DatasetName) -> tuple[set[int], tuple[int, ...]]:
    """Return the values of a dataset, and its shape."""
    dataset = workspace.dataset(workspace.place(name))
    found: set[int] = set()
    for level in range(dataset.levels):
        volume = dataset.level(level)
        found |= set(np.unique(volume.read(volume.box).result()).tolist())
    return found, dataset.level(0).shape


def _folders(workspace: Workspace, key: str) -> set[str]:
    """Return the folders below a key that hold anything, but for labels."""
    below = [each.removeprefix(f"{key}/") for each in stored(workspace.lake) if key in each]
    return {each.partition("/")[0] for each in below if "/" in each} - {"labels"}


def _labels(workspace: Workspace, name: DatasetName) -> dict[int, int]:
    table = Lake.at(str(workspace.lake)).open_labels(str(name)).ask(View.all)
    return dict(zip(table.labels.tolist(), table.voxels.tolist(), strict=True))


def _check_sound(workspace: Workspace, name: DatasetName) -> None:
    job = start_fsck(workspace, name)
    run_job(workspace, job)
    assert list(findings(workspace, job)) == []
    url = workspace.lake / workspace.place(name).key
    assert is_whole(url)
    assert list(validate_dataset(url)) == []


def test_an_image_is_replaced_by_another(workspace: Workspace, ingest: Callable[..., Job]) -> None:
    ingest(IMAGE)
    workspace.catalog.set_public(EM, public=True)
    before = workspace.catalog.get_dataset(EM)
    for value, shape in ((2, (9, 8, 7)), (3, (2, 9, 8, 7))):
        ingest(IMAGE, value, shape=shape, size=VoxelSize(4, 4, 4))
        assert _voxels(workspace, EM) == ({value}, shape)
        after = workspace.catalog.get_dataset(EM)
        assert (after.public, after.state) == (True, DatasetState.READY)
        assert (after.url, after.created_at > before.created_at) == (before.url, True)
        _check_sound(workspace, EM)
        assert len(_folders(workspace, IMAGE.key)) == 1  # nothing of those before it
    job = start_verify(workspace, EM, str(_source(workspace)))
    assert not run_job(workspace, job).differences
    run_job(workspace, start_remove(workspace, EM))
    assert stored(workspace.lake) == set()


def _source(workspace: Workspace) -> object:
    job, *_ = workspace.catalog.ledger.jobs_of(EM, kind="ingest", states={JobState.DONE})
    return job.spec["source"]


@pytest.mark.parametrize("place", [ALONE, LABELS])
def test_labels_are_replaced_with_their_index(
    workspace: Workspace, ingest: Callable[..., Job], place: Place
) -> None:
    if place.of:
        ingest(IMAGE)
    ingest(place, 5)
    held = Lake.at(str(workspace.lake)).open_labels(str(SEG))
    assert _labels(workspace, SEG) == {5: 120}
    ingest(place, 6)
    assert (_voxels(workspace, SEG)[0], _labels(workspace, SEG)) == ({6}, {6: 120})
    with pytest.raises(ConflictError, match="deleted or replaced"):
        held.ask(View.all)
    ingest(place, 7, index=False)
    assert _labels(workspace, SEG) == {7: 120}
    run_job(workspace, start_index(workspace, SEG))
    assert _labels(workspace, SEG) == {7: 120}
    _check_sound(workspace, SEG)
    for key in (workspace.place(SEG).key, workspace.place(SEG).index_key):
        assert len(_folders(workspace, key)) == 1
    if place.of:
        _check_sound(workspace, EM)


def test_labels_that_people_worked_on_are_kept(
    workspace: Workspace, ingest: Callable[..., Job], begin: Callable[..., Job]
) -> None:
    ingest(ALONE, 5)
    place = workspace.place(SEG)
    labels = open_labels(workspace.lake / place.key, index_of(workspace.lake, place))
    volume = labels.volume
    volume.write(volume.box, np.arange(120, dtype=volume.dtype).reshape(SHAPE)).result()
    run_job(workspace, start_index(workspace, SEG))
    job = begin(ALONE, 6)
    merge(labels, [1, 2], "ann")
    with pytest.raises(ConflictError, match="c/e/seg has merges"):
        run_job(workspace, job)
    assert len(_labels(workspace, SEG)) == 119
    cancel_job(workspace, job.id)
    with pytest.raises(ConflictError, match="c/e/seg has merges"):
        begin(ALONE, 6)


def test_labels_inside_an_image_stay_or_it_is_refused(
    workspace: Workspace, ingest: Callable[..., Job], begin: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    ingest(LABELS, 5)
    for changed in ({"shape": (4, 5, 7)}, {"size": VoxelSize(8, 8, 9)}):
        with pytest.raises(ConflictError, match="labels seg lie inside c/e/em and do not cover"):
            begin(IMAGE, 2, **changed)
    with pytest.raises(ConflictError, match="labels have none"):
        begin(Place(EM, Kind.LABELS), 2)
    ingest(IMAGE, 2)
    assert (_voxels(workspace, EM)[0], _labels(workspace, SEG)) == ({2}, {5: 120})
    ingest(IMAGE, 3, shape=(2, *SHAPE))
    assert (_voxels(workspace, EM), _labels(workspace, SEG)) == (({3}, (2, *SHAPE)), {5: 120})
    _check_sound(workspace, EM)
    _check_sound(workspace, SEG)


def test_an_image_becomes_labels_and_not_the_other_way(
    workspace: Workspace, ingest: Callable[..., Job], begin: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    ingest(Place(EM, Kind.LABELS), 4)
    assert workspace.catalog.get_dataset(EM).kind == "labels"
    assert _labels(workspace, EM) == {4: 120}
    _check_sound(workspace, EM)
    with pytest.raises(InvalidInputError, match="of the kind labels"):
        begin(IMAGE, 2)


def test_without_being_asked_nothing_is_replaced(
    workspace: Workspace, ingest: Callable[..., Job], begin: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    with pytest.raises(ConflictError, match=r"voxlake mv c/e/em.*voxlake rm c/e/em.*--overwrite"):
        begin(IMAGE, 2, overwrite=False)
    with pytest.raises(InvalidInputError, match="voxlake publish"):
        begin(IMAGE, 2, public=True)
    ledger = workspace.catalog.ledger
    other = ledger.claim(start_fsck(workspace, EM).id)
    with pytest.raises(ConflictError, match="is worked on"):
        begin(IMAGE, 2)
    ledger.set_state(other, JobState.DONE)
    workspace.catalog.set_dataset_state(EM, DatasetState.REMOVING)
    with pytest.raises(ConflictError, match="voxlake rm c/e/em"):
        begin(IMAGE, 2)


def test_what_voxlake_does_not_write_to_is_not_replaced(
    workspace: Workspace, ingest: Callable[..., Job], begin: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    store.write(workspace.lake / IMAGE.key / ".zattrs", b"{}")
    store.delete(workspace.lake / IMAGE.key / "zarr.json")
    with pytest.raises(UnsupportedError, match="never written to"):
        begin(IMAGE, 2)


class _Cut(Exception):  # noqa: N818
    """The process dies."""


def _die(*_: object) -> None:
    raise _Cut


CUTS: dict[str, tuple[object, str]] = {
    "before": (ingest_kind, "create_dataset"),
    "planning": (ingest_kind, "plan_passes"),
    "verifying": (overwriting, "plan_verify_level"),
    "switching": (Replacement, "switch"),
    "switched": (Replacement, "clear"),
}
"""Where the process dies, and whether the new one has taken the place of the old one then."""


@pytest.fixture(params=CUTS)
def cut(
    request: pytest.FixtureRequest,
    workspace: Workspace,
    ingest: Callable[..., Job],
    begin: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
) -> Job:
    """The job of a replacement that was cut off; the old one is of 1, the new one of 2."""
    ingest(IMAGE, 1, shape=(4, 5, 300))
    job = begin(IMAGE, 2, shape=(4, 5, 301))
    with monkeypatch.context() as patched:
        patched.setattr(*CUTS[request.param], _die)
        with pytest.raises(_Cut):
            run_job(workspace, job)
    return job


def _is_switched(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.callspec.params["cut"] == "switched")


def test_one_that_was_cut_off_leaves_the_old_one_and_is_gone_on_with(
    request: pytest.FixtureRequest, workspace: Workspace, begin: Callable[..., Job], cut: Job
) -> None:
    wanted = ({2}, (4, 5, 301)) if _is_switched(request) else ({1}, (4, 5, 300))
    assert _voxels(workspace, EM) == wanted
    assert workspace.catalog.get_dataset(EM).state is DatasetState.READY
    _check_sound(workspace, EM)
    with pytest.raises(ConflictError, match=f"jobs resume {cut.id}.*jobs cancel {cut.id}"):
        begin(IMAGE, 3)
    again = begin(IMAGE, 2, shape=(4, 5, 301))
    assert again.id == cut.id
    run_job(workspace, again)
    assert _voxels(workspace, EM) == ({2}, (4, 5, 301))
    _check_sound(workspace, EM)
    assert len(_folders(workspace, IMAGE.key)) == 1


def test_one_that_is_given_up_leaves_the_old_one_as_it_was(
    request: pytest.FixtureRequest, workspace: Workspace, ingest: Callable[..., Job], cut: Job
) -> None:
    if _is_switched(request):
        with pytest.raises(ConflictError, match=f"replaced already.*jobs resume {cut.id}"):
            cancel_job(workspace, cut.id)
        return
    cancel_job(workspace, cut.id)
    assert _voxels(workspace, EM) == ({1}, (4, 5, 300))
    _check_sound(workspace, EM)
    assert not any("by-" in key for key in stored(workspace.lake))
    ingest(IMAGE, 3)
    assert _voxels(workspace, EM)[0] == {3}


def test_one_that_was_cut_off_goes_with_its_dataset(
    workspace: Workspace, ingest: Callable[..., Job], cut: Job
) -> None:
    run_job(workspace, start_remove(workspace, EM))
    assert stored(workspace.lake) == set()
    assert workspace.catalog.ledger.get_job(cut.id).state is JobState.CANCELLED
    ingest(IMAGE, 3)
    assert _voxels(workspace, EM) == ({3}, SHAPE)


def test_a_shard_that_is_wrong_never_takes_the_place(
    workspace: Workspace,
    ingest: Callable[..., Job],
    begin: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(IMAGE)
    job, verify = begin(IMAGE, 2), VerifySourceTask.__call__

    def spoil(task: VerifySourceTask) -> ComparedRegion:
        volume = open_volume(task.target)
        volume.write(volume.box, np.full(SHAPE, 9, np.uint8)).result()
        return verify(task)

    monkeypatch.setattr(VerifySourceTask, "__call__", spoil)
    with pytest.raises(CorruptDataError, match=r"c/e/em is as it was.*jobs cancel"):
        run_job(workspace, job)
    assert _voxels(workspace, EM)[0] == {1}
    cancel_job(workspace, job.id)
    assert not any("by-" in key for key in stored(workspace.lake))


def test_a_writer_that_slept_stores_nothing_in_the_new_one(
    workspace: Workspace, ingest: Callable[..., Job], begin: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    job = ingest(IMAGE, 2)
    url = workspace.lake / workspace.place(EM).key
    folder = workspace.dataset(IMAGE).multiscale.folder
    with pytest.raises(LeaseLostError, match="whole by now"):
        Making(url / folder, job.id).check()


def test_a_name_that_the_group_keeps_stays(
    workspace: Workspace, ingest: Callable[..., Job]
) -> None:
    ingest(IMAGE)
    raw = EM.sibling("raw")
    workspace.catalog.move_dataset(EM, raw)
    keep_name(workspace.lake, IMAGE.key, raw)
    ingest(Place(raw, Kind.IMAGE), 2)
    assert _voxels(workspace, raw)[0] == {2}
    assert [place.name for place in Lake.at(str(workspace.lake)).datasets()] == [raw]
    _check_sound(workspace, raw)
    ingest(IMAGE, 3)
    assert (_voxels(workspace, raw)[0], _voxels(workspace, EM)[0]) == ({2}, {3})
