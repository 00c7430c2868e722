"""The small repairs: what is not made anew from another level, the source or the voxels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.fsck.compare import has_below
from voxlake.compute.fsck.objects import labels_there
from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.downsample import DownsampleTask
from voxlake.compute.passes.threads import run_ordered
from voxlake.compute.plan import Result
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.times import shard_in_time
from voxlake.ngff.labels.upkeep.marker import close_marker, open_marker
from voxlake.ngff.metadata.writing import encoded, labels_document
from voxlake.ngff.shards.format import shard_format
from voxlake.ngff.shards.whole import decode_shard, encode_shard
from voxlake.ngff.storage.leftovers import sweep, uploads
from voxlake.platform.errors import CorruptDataError
from voxlake.platform.store.s3.multipart import abort_upload
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from voxlake.compute.passes.downsample import Step
    from voxlake.compute.plan import Task
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

BY = "repair"


@dataclass(frozen=True, slots=True)
class ListLabelsTask:
    """Write the list that an image keeps of its labels anew: those that are there."""

    image: StoreURL

    def __call__(self) -> Result:
        """Write it; doing it again writes the same."""

        def listed(_: bytes | None) -> bytes:
            # After the list was read: labels that are added meanwhile are not taken off it.
            return encoded(labels_document(labels_there(self.image)))

        update(self.image / "labels" / "zarr.json", listed)
        return Result()


@dataclass(frozen=True, slots=True)
class SweepTask:
    """Delete the temporary files of writers that are gone, and uploads that nobody ended."""

    url: StoreURL
    index: StoreURL | None

    def __call__(self) -> Result:
        """Delete them; a second time there are none."""
        sweep(self.url, self.index)
        for upload in uploads(self.url, self.index):
            abort_upload(upload)
        return Result()


@dataclass(frozen=True, slots=True)
class MarkedTask:
    """Write a shard of labels as a writer must whose index is to stay true: within a mark."""

    task: Task
    target: StoreURL
    index: StoreURL
    cell: Cell

    def __call__(self) -> Result:
        """Mark the shard, write it, index it, and say that it is done."""
        volume, index, cell = shard_in_time(opened_volume(self.target), self.index, self.cell)
        marker = open_marker(index, cell, BY)
        result = self.task()
        index_shard(volume, cell, index, run_ordered)
        close_marker(marker, BY)
        return result


@dataclass(frozen=True, slots=True)
class RebuildTask:
    """Make a shard anew from the level below, if anything is stored there."""

    step: Step
    cell: Cell

    def __call__(self) -> Result:
        """Write the shard; doing it again writes the same bytes.

        Of nothing, nothing can be made: what is stored is left then, damaged or not.
        """
        box = opened_volume(self.step.coarser).shard_box(self.cell)
        if not has_below(self.step, box):
            return Result()
        return DownsampleTask(self.step, self.cell)()


@dataclass(frozen=True, slots=True)
class TrimTask:
    """Write a shard anew without the bytes that belong to no chunk; its voxels stay."""

    target: StoreURL
    cell: Cell

    def __call__(self) -> Result:
        """Write it, unless others write to it: then what they write has no such bytes."""
        volume = opened_volume(self.target)

        def trimmed(body: bytes | None) -> bytes:
            if body is None:
                raise CorruptDataError(f"{volume.shard_url(self.cell)} is gone; look again")
            encoded = encode_shard(volume, decode_shard(volume, self.cell, body))
            return encoded or _without_chunks(volume)

        with volume.locked(volume.shard_box(self.cell)):
            update(volume.shard_url(self.cell), trimmed)
        return Result(voxels=volume.shard_box(self.cell).size)


def _without_chunks(volume: Volume) -> bytes:
    """Return a shard of nothing but fill, stored all the same: nobody's shard is deleted."""
    coding = shard_format(volume)
    return coding.assembled([None] * math.prod(coding.grid))
