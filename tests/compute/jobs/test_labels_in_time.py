"""Labels with time points through jobs: ingested, indexed, downsampled, looked at and mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from voxlake.compute.fsck.finding import Check, Finding
from voxlake.compute.index import by_label
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_downsample,
    start_index,
    start_ingest,
    start_verify,
)
from voxlake.compute.jobs.kinds.fsck import findings, start_fsck
from voxlake.compute.jobs.kinds.repair import start_repair
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.covered import covered_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.labels.handle import Labels, labels_of
from voxlake.ngff.labels.state import in_force
from voxlake.ngff.labels.view import View
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.errors import SourceError, UnsupportedError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from voxlake.platform.jobs.record import Job
    from voxlake.platform.store import StoreURL

    type Voxels = npt.NDArray[np.uint64]

SIZE = VoxelSize(10, 10, 10)
PLACE = Place(DatasetName.parse("c/e/cells"), Kind.LABELS)
SHAPE = (3, 20, 70, 600)
"""Two shards of each time point."""


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.fixture
def voxels() -> Voxels:
    """Lumps; each time point has a label of its own, and others that it shares."""
    lumps = np.random.default_rng(3).integers(0, 5, (3, 4, 14, 120)).astype(np.uint64)
    for axis in (1, 2, 3):
        lumps = lumps.repeat(5, axis)
    lumps[lumps == 4] += np.uint64(1 << 40)
    for time in range(3):
        lumps[time][lumps[time] == 3] += np.uint64(time)
    return lumps


def ingest(workspace: Workspace, voxels: npt.NDArray[Any], path: Path, **asked: Any) -> None:
    np.save(path / "cells.npy", voxels)
    asked = {"index": True, "axes": "tzyx", **asked}
    request = IngestRequest(str(path / "cells.npy"), asked.pop("place", PLACE), SIZE, **asked)
    run_job(workspace, start_ingest(workspace, request))


def opened(workspace: Workspace) -> Labels:
    return labels_of(workspace.dataset(PLACE), workspace.lake / PLACE.index_key)


def check_levels(workspace: Workspace, voxels: Voxels) -> None:
    """Hold all levels at all time points, as zarr reads them, against what level 0 gives."""
    dataset, level = workspace.dataset(PLACE), voxels
    assert dataset.levels > 1
    for number in range(dataset.levels):
        stored = zarr.open_array(as_zarr(dataset.level_url(number)), mode="r")
        assert stored.chunks[0] == 1
        np.testing.assert_array_equal(stored[...], level)
        if number + 1 < dataset.levels:
            step = dataset.step(number + 1)
            assert step[0] == 1
            level = np.stack([downsample(each, step[1:], Reduction.MODE) for each in level])


def check_labels(workspace: Workspace, voxels: Voxels) -> None:
    for point, own in zip(opened(workspace).each_time(), voxels, strict=True):
        labels, counts = np.unique(own[own != 0], return_counts=True)
        table = point.ask(View.all)
        assert (table.labels.tolist(), table.voxels.tolist()) == (labels.tolist(), counts.tolist())
        for line, label in enumerate(labels.tolist()):
            where = np.argwhere(own == label)
            assert table.start[line].tolist() == where.min(axis=0).tolist()
            assert table.stop[line].tolist() == (where.max(axis=0) + 1).tolist()
            assert point.view().extent(label) == table.extent(line)


def looked_at(workspace: Workspace) -> Job:
    job = start_fsck(workspace, PLACE.name)
    run_job(workspace, job)
    return job


def faults(workspace: Workspace, job: Job | None = None) -> list[Finding]:
    job = job or looked_at(workspace)
    return [found for found in findings(workspace, job) if found.is_fault]


def test_every_level_and_label_is_what_numpy_says_at_each_time_point(
    workspace: Workspace, voxels: Voxels, tmp_path: Path
) -> None:
    ingest(workspace, voxels, tmp_path)
    check_levels(workspace, voxels)
    check_labels(workspace, voxels)
    labels = opened(workspace)
    for point in labels.each_time():
        state = in_force(point)
        assert (state.consistency, state.dirty, len(state.segments)) == ("indexed", (), 1)
    assert store.list_children(labels.index_url) == (["times"], [])
    run_job(workspace, start_verify(workspace, PLACE.name, str(tmp_path / "cells.npy")))
    assert faults(workspace) == []


@pytest.mark.parametrize("fragments", [1, 2])
def test_an_index_job_builds_the_index_of_each_time_point(
    workspace: Workspace,
    voxels: Voxels,
    tmp_path: Path,
    fragments: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(by_label, "FRAGMENT_SHARDS", 2 // fragments)
    ingest(workspace, voxels, tmp_path, index=False)
    check_labels(workspace, voxels)  # of the voxels
    run_job(workspace, start_index(workspace, PLACE.name))
    for point in opened(workspace).each_time():
        state = in_force(point)
        assert (state.consistency, state.dirty, len(state.segments)) == ("indexed", (), 1)
    check_labels(workspace, voxels)


def test_levels_over_what_was_written_are_made_at_its_time_points(
    workspace: Workspace, voxels: Voxels, tmp_path: Path
) -> None:
    ingest(workspace, voxels, tmp_path)
    box = Box((1, 3, 5, 300), (3, 9, 40, 560))
    write_labels(opened(workspace), box, np.full(box.shape, 77, np.uint64))
    voxels[box.slices] = 77
    check_labels(workspace, voxels)
    run_job(workspace, start_downsample(workspace, PLACE.name, stale=True))
    check_levels(workspace, voxels)
    assert faults(workspace) == []
    run_job(workspace, start_downsample(workspace, PLACE.name))
    check_levels(workspace, voxels)


def test_what_is_wrong_with_the_index_of_a_time_point_is_found_and_mended(
    workspace: Workspace, voxels: Voxels, tmp_path: Path
) -> None:
    ingest(workspace, voxels, tmp_path)
    times = opened(workspace).index_url / "times"
    store.delete(times / "1" / "shards" / "0.0.1.parquet")
    copied = store.read(times / "0" / "shards" / "0.0.0.parquet").body
    store.write(times / "2" / "shards" / "0.0.0.parquet", copied)
    job = looked_at(workspace)
    found = faults(workspace, job)
    assert [(each.check, each.cell) for each in found] == [
        (Check.MISSING_SIDECAR, (1, 0, 0, 1)),
        (Check.STALE_SIDECAR, (2, 0, 0, 0)),
    ]
    run_job(workspace, start_repair(workspace, job))
    assert faults(workspace) == []
    check_labels(workspace, voxels)
    stray = times / "1" / "shards" / "0.0.7.parquet"
    store.write(stray, copied)
    [segment] = in_force(opened(workspace).at_time(2)).segments
    cover = times / "2" / "runs" / f"{segment.cover}.cover.parquet"
    store.write(cover, store.read(cover).body[:-9])
    found = faults(workspace)
    assert {(each.check, each.where) for each in found} == {
        (Check.DAMAGED_INDEX, str(cover)),
        (Check.STRAY_OBJECT, str(stray)),
    }


def test_labels_have_the_time_points_of_their_image_or_none(
    workspace: Workspace, voxels: Voxels, tmp_path: Path
) -> None:
    image = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
    ingest(workspace, (voxels % 7).astype(np.uint8), tmp_path, place=image, index=False)
    assert covered_dataset(workspace.dataset(image)).times == 3
    of = Place(DatasetName.parse("c/e/cells"), Kind.LABELS, "em")
    still = Place(DatasetName.parse("c/e/still"), Kind.LABELS, "em")
    with pytest.raises(SourceError, match="has 2 time points, the image em has 3"):
        ingest(workspace, voxels[:2], tmp_path, place=of)
    ingest(workspace, voxels, tmp_path, place=of)
    ingest(workspace, voxels[0], tmp_path, place=still, axes="zyx")
    scales = [workspace.dataset(each).multiscale.levels[0].scale for each in (image, of)]
    assert scales[0] == scales[1]
    steps = [workspace.dataset(each).step(1) for each in (image, of, still)]
    assert steps[0] == steps[1] == (1, *steps[2])


def test_labels_have_no_channels(workspace: Workspace, voxels: Voxels, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="labels have z, y, x, and t before them"):
        ingest(workspace, voxels, tmp_path, axes="czyx")
