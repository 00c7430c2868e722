"""Verify: compare every stored voxel with what it must be, by reading the source again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.downsample import Step, downsample_bytes, downsample_step
from voxlake.compute.ingest import SourceAddress, shard_bytes
from voxlake.compute.opened import opened_volume
from voxlake.compute.plan import Cell, Plan, Result, fingerprint, write_grid
from voxlake.ngff.shard import read_shard
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.box import Box
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class VerifyTask:
    """Compare one stored shard with what the source, or the level below, says it must be."""

    expected: SourceAddress | Step
    target: StoreURL
    cell: Cell

    def __call__(self) -> Result:
        """Return how many voxels differ, and the name of the shard if any do."""
        volume = opened_volume(self.target)
        box = volume.shard_box(self.cell)
        result: Result = {"voxels": box.size, "different": 0}
        try:
            different, note = _differences(self._read(box, volume), volume, self.cell)
        except CorruptDataError as error:
            different, note = box.size, str(error)
        if different:
            where = f"{volume.shard_url(self.cell)} {box}"
            result |= {"different": different, "shard": where, "note": note}
        return result

    def _read(self, box: Box, volume: Volume) -> npt.NDArray[Any]:
        if isinstance(self.expected, SourceAddress):
            return self.expected.read(box, volume.dtype)
        return self.expected.read(box)


def plan_verify_source(source: SourceAddress, volume: Volume) -> Plan:
    """Plan comparing level 0 with the source."""
    return _plan("verify-source", source, volume, source.fingerprint)


def plan_verify_level(dataset: Dataset, level: int) -> Plan:
    """Plan comparing `level` (1 and above) with what the level below gives."""
    step, volume = downsample_step(dataset, level), dataset.level(level)
    plan = _plan(f"verify-{level}", step, volume, step.factors)
    return replace(plan, bytes_per_task=downsample_bytes(dataset, level))


def _plan(stage: str, expected: SourceAddress | Step, volume: Volume, what: object) -> Plan:
    return Plan(
        stage,
        write_grid(volume.shape, volume.shard),
        partial(VerifyTask, expected, volume.url),
        fingerprint("verify", what, volume.url, volume.metadata),
        shard_bytes(volume) * 4,
        math.prod(volume.shape),
    )


def _differences(expected: npt.NDArray[Any], volume: Volume, cell: Cell) -> tuple[int, str | None]:
    stored, _ = read_shard(volume, cell)
    wrong = stored != expected
    if stored.dtype.kind == "f":
        wrong &= ~(np.isnan(stored) & np.isnan(expected))
    count = int(np.count_nonzero(wrong))
    if not count:
        return 0, None
    first = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    return count, f"first at {first} of the shard: {stored[first]} for {expected[first]}"
