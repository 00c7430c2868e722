"""Write what clients of boss-ingest have uploaded to its dataset, and then delete the uploads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.downsample import start_downsample
from voxlake.compute.jobs.kinds.kind import JobKind, Work
from voxlake.compute.jobs.kinds.uploads.clear import clear
from voxlake.compute.jobs.kinds.uploads.upload import (
    UploadSpec,
    fail_upload,
    upload_of,
    uploaded_of,
)
from voxlake.compute.opened import opened_volume
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.compute.sources.boss_ingest.uploaded_voxels import read_uploaded
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.box import Box, cell_box, grid_shape
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.lake import check_writable
from voxlake.ngff.writing import AT_ONCE, write_voxels
from voxlake.platform.catalog import DatasetState
from voxlake.platform.catalog.data.uploads import UploadState
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from voxlake.compute.sources.boss_ingest.uploaded import Uploaded
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Cell
    from voxlake.platform.store import StoreURL

REGION_BYTES = 512 << 20
"""Voxels of a task, at most, unless one shard has more."""
COPIES = 2
"""Of each shard that is being written, at most: as it was, and as it will be."""


class WriteUploadSpec(UploadSpec):
    """Write what was uploaded to its dataset."""

    kind: Literal["write-upload"] = "write-upload"


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Level 0 of the dataset, and where the coordinates of the upload lie in it."""

    volume: StoreURL
    index: StoreURL | None
    """The label index of labels."""
    axes: tuple[str, ...]
    start: tuple[int, int, int]
    """Of the dataset in the coordinates of the upload: voxels z, y, x."""

    def box_of(self, box: Box) -> Box:
        """Return a box t, z, y, x of the upload along the axes of the dataset."""
        box = box.shifted((0, *(-lo for lo in self.start)))
        ends = dict(zip(("t", *SPATIAL), zip(box.start, box.stop, strict=True), strict=True))
        own = [ends.get(name, (0, 1)) for name in self.axes]
        return Box(tuple(lo for lo, _ in own), tuple(hi for _, hi in own))

    def piece(self, uploaded: Uploaded) -> tuple[int, ...]:
        """Return the extents of a tile or chunk along the axes of the dataset."""
        known = dict(zip(SPATIAL, uploaded.size, strict=True))
        return tuple(known.get(name, 1) for name in self.axes)

    def upload_box(self, box: Box) -> Box:
        """Return a box of the dataset in the coordinates of the upload: t, z, y, x."""
        ends = dict(zip(self.axes, zip(box.start, box.stop, strict=True), strict=True))
        own = [ends.get(name, (0, 1)) for name in ("t", *SPATIAL)]
        return Box(tuple(lo for lo, _ in own), tuple(hi for _, hi in own)).shifted((0, *self.start))


@dataclass(frozen=True, slots=True)
class WriteTask:
    """Write what was uploaded of some whole shards."""

    target: UploadTarget
    uploaded: Uploaded
    box: Box
    """Along the axes of the dataset."""

    def __call__(self) -> Result:
        """Write the voxels; doing it again writes the same."""
        volume = opened_volume(self.target.volume)
        asked = self.target.upload_box(self.box)
        voxels = read_uploaded(self.uploaded, asked, volume.dtype).reshape(self.box.shape)
        if self.target.index is None:
            write_voxels(volume, self.box, voxels)
        else:
            labels, by = Labels(volume, self.target.index), f"ingest job {self.uploaded.number}"
            write_labels(labels, self.box, voxels, by=by)
        return Result(voxels=self.box.size, bytes=voxels.nbytes)


def _stages(work: Work[WriteUploadSpec]) -> list[Plan]:
    upload = upload_of(work)
    if upload.state is not UploadState.COMPLETING:
        return []
    _check_dataset(work)
    dataset, uploaded = work.dataset(), uploaded_of(work, upload)
    target = _target(work, dataset, upload.start)
    finest = dataset.level(0)
    box = target.box_of(uploaded.extent)
    box.check_inside(finest.box, str(work.place.name))
    region = region_of(finest.shard, target.piece(uploaded), finest.dtype.itemsize)
    first = tuple(lo // n for lo, n in zip(box.start, region, strict=True))
    at_once = min(AT_ONCE, math.prod(region) // math.prod(finest.shard))
    held = math.prod(region) + COPIES * at_once * math.prod(finest.shard)
    return [
        Plan(
            "write",
            grid_shape(box.aligned(region).shape, region),
            partial(_task, WriteTask(target, uploaded, box), region, first),
            fingerprint(finest.url, finest.metadata, str(target), str(uploaded), region),
            held * finest.dtype.itemsize,
            box.size,
        )
    ]


def region_of(shard: tuple[int, ...], piece: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return what a task writes: whole shards, as many as a tile touches, if they are small.

    Each tile or cuboid is read by every task that it reaches into, so few are better.

    Examples
    --------
    >>> region_of((64, 256, 256), (1, 1000, 2000), 1)
    (64, 1024, 2048)
    >>> region_of((256, 1024, 1024), (1, 4096, 4096), 1)
    (256, 1024, 2048)
    """
    region = list(shard)
    for axis in reversed(range(len(region))):
        while region[axis] < piece[axis]:
            region[axis] += shard[axis]
            if math.prod(region) * itemsize > REGION_BYTES:
                region[axis] -= shard[axis]
                break
    return tuple(region)


def _check_dataset(work: Work[WriteUploadSpec]) -> None:
    place = work.place
    check_writable(place, "an ingest job")
    state = work.workspace.catalog.get_dataset(place.name).state
    if state is not DatasetState.READY:
        raise ConflictError(
            f"{place.name} is {state} and not ready: its job writes whole shards; wait for its "
            "end, and complete the ingest job again"
        )


def _target(
    work: Work[WriteUploadSpec], dataset: Dataset, start: tuple[int, int, int]
) -> UploadTarget:
    index = None if work.spec.is_image else work.index_url
    return UploadTarget(dataset.level_url(0), index, dataset.multiscale.axis_names, start)


def _task(whole: WriteTask, region: tuple[int, ...], first: Cell, cell: Cell) -> WriteTask:
    place = tuple(lo + n for lo, n in zip(first, cell, strict=True))
    return replace(whole, box=cell_box(place, region) & whole.box)


def _finish(work: Work[WriteUploadSpec]) -> None:
    upload, catalog = upload_of(work), work.workspace.catalog
    if upload.state not in {UploadState.COMPLETING, UploadState.COMPLETE}:
        return
    if work.dataset().levels > 1:
        stale = start_downsample(work.workspace, work.place.name, stale=True)
        catalog.ledger.enqueue(stale.id)
    clear(work)
    catalog.uploads.move(upload.id, {UploadState.COMPLETING}, UploadState.COMPLETE, "")


WRITE_UPLOAD = JobKind(WriteUploadSpec, _stages, finish=_finish, fail=fail_upload)
