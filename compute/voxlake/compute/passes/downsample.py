"""Downsample: one level from the level below it, shard by shard, whatever the factors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.ingest import check_shard_size, shard_bytes
from voxlake.compute.passes.reduce import downsample
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.ngff.grid.pyramid import finer_box
from voxlake.ngff.shards.storing import look_at_shard
from voxlake.ngff.shards.whole import write_shard

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.grid.reduction import Reduction
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Step:
    """From one level to the next."""

    finer: StoreURL
    coarser: StoreURL
    factors: tuple[int, ...]
    reduction: Reduction

    def look(self, boxes: Iterable[Box]) -> tuple[str, ...]:
        """Return the states of the shards that the voxels of `boxes` are made of."""
        volume = opened_volume(self.finer)
        finer = (finer_box(box, self.factors, volume.shape) for box in boxes)
        cells = {cell for box in finer for cell in box.cells(volume.shard)}
        return tuple(look_at_shard(volume, cell) for cell in sorted(cells))

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return what the voxels of `box` of the coarser level must be.

        One shard of the finer level after the other: all 8 would take 8 times the memory.
        """
        volume = opened_volume(self.finer)
        grid = tuple(max(1, n // f) for n, f in zip(volume.shard, self.factors, strict=True))
        coarse = np.empty(box.shape, volume.dtype)
        for part in box.tiles(grid):
            fine = volume.read(finer_box(part, self.factors, volume.shape)).result()
            coarse[part.within(box).slices] = downsample(fine, self.factors, self.reduction)
        return coarse


@dataclass(frozen=True, slots=True)
class DownsampleTask:
    """Reduce what lies under one shard of the coarser level and write the shard."""

    step: Step
    cell: Cell

    def __call__(self) -> Result:
        """Write the shard; doing it again writes the same bytes."""
        volume = opened_volume(self.step.coarser)
        box, known = volume.shard_box(self.cell), look_at_shard(volume, self.cell)
        write_shard(volume, self.cell, self.step.read(box), known)
        return Result(voxels=box.size)


def downsample_step(dataset: Dataset, level: int) -> Step:
    """Return the step that leads to `level` (1 and above) of `dataset`."""
    return Step(
        dataset.level_url(level - 1),
        dataset.level_url(level),
        dataset.step(level),
        dataset.reduction,
    )


def downsample_bytes(dataset: Dataset, level: int) -> int:
    """Return the memory that making one shard of `level` is projected to need.

    The shard and its encoding, or what it is compared with, and one shard of the finer level.
    """
    return shard_bytes(dataset.level(level)) * 2 + shard_bytes(dataset.level(level - 1))


def plan_downsample(dataset: Dataset, level: int) -> Plan:
    """Plan writing every shard of `level` (1 and above) of `dataset`."""
    step, volume = downsample_step(dataset, level), dataset.level(level)
    check_shard_size(volume)
    return Plan(
        f"downsample-{level}",
        volume.grid,
        partial(DownsampleTask, step),
        fingerprint(step.factors, step.reduction, step.finer, volume.url, volume.metadata),
        downsample_bytes(dataset, level),
        math.prod(volume.shape),
    )
