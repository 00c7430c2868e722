"""Look at one shard: its bytes, what the level below gives, and its rows of the label index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.compute.fsck.compare import compare_with_below
from voxlake.compute.fsck.finding import Check, Finding, FsckResult
from voxlake.compute.opened import opened_volume
from voxlake.ngff.labels.sidecars.patch import is_patch_of, read_patch
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.sidecars.trust import is_of, is_of_bytes, read_sidecar
from voxlake.ngff.labels.times import shard_in_time
from voxlake.ngff.shards.check import check_shard
from voxlake.ngff.shards.whole import decode_shard
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.passes.downsample import Step
    from voxlake.compute.plan import Result
    from voxlake.compute.verify.behind import Behind
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import Stored, StoreURL


@dataclass(frozen=True, slots=True)
class ShardLook:
    """What is looked at in each shard of a level."""

    target: StoreURL
    level: int
    step: Step | None
    """Leads to the level from the one below; None: there is none, or it cannot be opened."""
    index: StoreURL | None
    """The label index, for level 0 of labels that have one."""
    quick: bool
    """Whether shards that are stored are not compared with the level below."""
    behind: Behind | None = field(default=None, repr=False)
    """Tells where the level is behind level 0; None as `step` is."""


@dataclass(frozen=True, slots=True)
class ShardTask:
    """Look at one shard; its object is read once, and nothing is changed."""

    look: ShardLook
    cell: Cell

    def __call__(self) -> Result:
        """Return what was found."""
        volume = opened_volume(self.look.target)
        try:
            stored = store.read_if_there(volume.shard_url(self.cell))
        except CorruptDataError as error:
            return FsckResult(findings=(_in_its_place(self.look, volume, self.cell, error),))
        return FsckResult(
            voxels=volume.shard_box(self.cell).size,
            bytes=len(stored.body) if stored else 0,
            findings=tuple(_look_at(self.look, volume, self.cell, stored)),
        )


def _in_its_place(look: ShardLook, volume: Volume, cell: Cell, error: CorruptDataError) -> Finding:
    """Return what is found of a shard where something lies that is no object."""
    url, lost = str(volume.shard_url(cell)), volume.shard_box(cell)
    return Finding(Check.DAMAGED_SHARD, url, str(error), look.level, cell, lost)


def _look_at(
    look: ShardLook, volume: Volume, cell: Cell, stored: Stored | None
) -> Iterator[Finding]:
    url = str(volume.shard_url(cell))
    if stored is not None:
        check = check_shard(volume, cell, stored.body)
        if check.damage is not None:
            yield Finding(
                Check.DAMAGED_SHARD,
                url,
                check.damage,
                look.level,
                cell,
                check.damaged,
                state=stored.etag,
            )
            return
        if check.slack:
            text = f"{check.slack} of its {len(stored.body)} bytes belong to no chunk"
            yield Finding(Check.TORN_TAIL, url, text, look.level, cell)
    if look.step is not None and not (look.quick and stored is not None):
        yield from _compare(look, look.step, volume, cell, stored)
    if look.index is not None:
        yield from _look_at_sidecar(look.index, volume, cell, stored)


def _compare(
    look: ShardLook, step: Step, volume: Volume, cell: Cell, stored: Stored | None
) -> list[Finding]:
    voxels = None if stored is None else decode_shard(volume, cell, stored.body)
    found = list(compare_with_below(step, look.level, cell, voxels))
    if not found or look.behind is None:
        return found
    stale = look.behind.since_now()
    stored = store.read_if_there(volume.shard_url(cell))
    voxels = None if stored is None else decode_shard(volume, cell, stored.body)
    return list(compare_with_below(step, look.level, cell, voxels, stale))


def _look_at_sidecar(
    index: StoreURL, volume: Volume, cell: Cell, stored: Stored | None
) -> Iterator[Finding]:
    point, index, own = shard_in_time(volume, index, cell)
    url = str(sidecar_url(index, own))
    try:
        sidecar = read_sidecar(index, own)
    except CorruptDataError as error:
        yield Finding(Check.DAMAGED_SIDECAR, url, str(error), 0, cell)
        return
    if stored is None:
        if sidecar is not None:
            text = "the shard that it was found in is not stored any more"
            yield Finding(Check.STALE_SIDECAR, url, text, 0, cell)
    elif sidecar is None:
        text = f"shard {cell} is stored and not indexed"
        yield Finding(Check.MISSING_SIDECAR, url, text, 0, cell)
    elif not (
        is_of(sidecar.origin, point, own, stored.etag)
        or is_of_bytes(sidecar.origin, point, own, stored.body)
        or is_patch_of(read_patch(index, own), sidecar.origin.etag, stored.etag)
    ):
        text = f"it is of ETag {sidecar.origin.etag}; the shard has {stored.etag}"
        yield Finding(Check.STALE_SIDECAR, url, text, 0, cell)
