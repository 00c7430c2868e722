"""Compare a shard with what the level below gives, one shard of that level after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.fsck.finding import Check, Finding
from voxlake.compute.opened import opened_volume
from voxlake.compute.verify.behind import current, spared
from voxlake.compute.verify.levels import unequal
from voxlake.ngff.grid.pyramid import finer_box
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.compute.passes.downsample import Step
    from voxlake.compute.verify.behind import StaleBoxes
    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.volume import Volume


def compare_with_below(
    step: Step,
    level: int,
    cell: Cell,
    voxels: npt.NDArray[Any] | None,
    stale: StaleBoxes = current,
) -> Iterator[Finding]:
    """Yield what is missing or stale at `level` or, as seen from there, below.

    Voxels over a shard below that is not stored are the last trace of it: that one is missing,
    and nothing is stale. What lies over damaged shards is not judged.

    Parameters
    ----------
    step
        Leads from the level below to `level`.
    level, cell
        The shard.
    voxels
        What is stored there; None: nothing is.
    stale
        Gives the boxes of the level in which it is behind, and neither stale nor a trace.
    """
    volume, finer = opened_volume(step.coarser), opened_volume(step.finer)
    box, different, behind = volume.shard_box(cell), 0, 0
    grid = tuple(max(1, n // f) for n, f in zip(finer.shard, step.factors, strict=True))
    for part in box.tiles(grid):
        if voxels is None and not has_below(step, part):
            continue
        stored = None if voxels is None else voxels[part.within(box).slices]
        count, is_trace, spared_here = _differ(step, part, stored, stale)
        behind += spared_here
        if is_trace and not has_below(step, part):
            under = finer_box(part, step.factors, finer.shape).cells(finer.shard)
            yield from (_lost(finer, level - 1, each, part) for each in under)
        else:
            different += count
    if behind:
        text = f"{behind} voxels are behind level 0, which was written to; downsample --stale helps"
        yield Finding(Check.ADVICE, str(volume.shard_url(cell)), text, level, cell)
    if different:
        yield _outdated(volume, level, cell, different, stored=voxels is not None)


def _differ(
    step: Step, part: Box, stored: npt.NDArray[Any] | None, stale: StaleBoxes
) -> tuple[int, bool, int]:
    """Return how many voxels differ, whether any stored is not fill, and how many are behind."""
    volume = opened_volume(step.coarser)
    try:
        expected = step.read(part)
    except CorruptDataError:
        return 0, False, 0  # among the findings of the level below
    voxels = np.asarray(volume.fill, volume.dtype) if stored is None else stored
    wrong = unequal(voxels, expected)
    behind = spared(wrong, part, stale)
    count = int(np.count_nonzero(wrong))
    is_trace = bool(count and stored is not None and (stored != volume.fill).any())
    return count, is_trace, behind


def has_below(step: Step, box: Box) -> bool:
    """Return whether anything is stored in the level below that `box` is made of."""
    finer = opened_volume(step.finer)
    cells = finer_box(box, step.factors, finer.shape).cells(finer.shard)
    return any(store.exists(finer.shard_url(each)) for each in cells)


def _lost(volume: Volume, level: int, cell: Cell, seen: Box) -> Finding:
    return Finding(
        Check.MISSING_SHARD,
        str(volume.shard_url(cell)),
        f"it is not stored, and level {level + 1} has voxels over it at {seen}",
        level,
        cell,
        volume.shard_box(cell),
        below=False,
        state="",
    )


def _outdated(volume: Volume, level: int, cell: Cell, count: int, *, stored: bool) -> Finding:
    check = Check.STALE_SHARD if stored else Check.MISSING_SHARD
    text = (
        f"{count} voxels are not what level {level - 1} gives"
        if stored
        else f"it is not stored, and level {level - 1} has voxels there ({count} of this level)"
    )
    return Finding(check, str(volume.shard_url(cell)), text, level, cell, volume.shard_box(cell))
