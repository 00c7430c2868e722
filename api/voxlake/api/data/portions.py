"""What those may read who are limited to a part of a dataset: voxels of its box, at its levels.

Only addresses that ask here let them in (`Requires(..., portions=True)`).
"""

from __future__ import annotations

import re

from voxlake.api.data.opened import opened_dataset, opened_level
from voxlake.api.guards.datasets import Granted
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.portions import box_at_level, finest_box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import ForbiddenError, InvalidInputError
from voxlake.platform.portion import Portion

GROUP = frozenset({"zarr.json", ".zgroup", ".zattrs", ".zmetadata"})
"""Documents of the group, which are cut to the levels that may be read."""
_ARRAY = frozenset({"zarr.json", ".zarray", ".zattrs"})
_CELL = re.compile(r"(?:c[/.])?(\d{1,15}(?:[/.]\d{1,15})*)")


async def check_box(granted: Granted[ReadVoxels], dataset: Dataset, level: int, box: Box) -> None:
    """Raise ForbiddenError if a box of a level is not in the part that may be read."""
    portion = granted.portion
    if portion is None:
        return
    allowed = await _allowed(granted, portion, dataset, level)
    if not allowed.contains(box):
        raise _beyond(granted, f"the box {box} of level {level}", f"of which {allowed} is open")


async def check_key(granted: Granted[ReadVoxels], key: str) -> None:
    """Raise ForbiddenError if what a key names is not all in the part that may be read.

    Where the part is a box, a shard is open if all of its voxels are in it.
    """
    portion = granted.portion
    if portion is None or key in GROUP or key == "":
        return
    dataset = await opened_dataset(granted)
    for number, level in enumerate(dataset.multiscale.levels):
        if key.rstrip("/") == level.path or key.startswith(f"{level.path}/"):
            allowed = await _allowed(granted, portion, dataset, number)
            below = key.removeprefix(level.path).lstrip("/")
            if below in _ARRAY or not portion.box or not below:
                return
            cell = _CELL.fullmatch(below)
            volume = await opened_level(granted, dataset, number)
            index = tuple(map(int, re.split(r"[/.]", cell[1]))) if cell else ()
            if len(index) == volume.box.ndim and allowed.contains(volume.shard_box(index)):
                return
            raise _beyond(granted, f"{key}", f"of whose level {allowed} is open")
    raise _beyond(granted, f"{key}", "which is none of its levels")


async def open_levels(granted: Granted[ReadVoxels]) -> tuple[str, ...]:
    """Return the paths of the levels that may be read, the finest first."""
    dataset = await opened_dataset(granted)
    finest = granted.portion.finest if granted.portion else 0
    return tuple(level.path for level in dataset.multiscale.levels[finest:])


async def _allowed(
    granted: Granted[ReadVoxels], portion: Portion, dataset: Dataset, number: int
) -> Box:
    """Return what of a level may be read; raise ForbiddenError if nothing may be."""
    if number < portion.finest:
        raise _beyond(granted, f"level {number}", f"and levels from {portion.finest} on are open")
    volume = await opened_level(granted, dataset, number)
    finest = await opened_level(granted, dataset, 0)
    try:
        box = finest_box(portion, dataset.multiscale.axis_names, finest.shape)
    except InvalidInputError as error:
        # It was written over since.
        raise _beyond(granted, "all of it", "which is of another shape by now") from error
    allowed = box_at_level(box, dataset.factors(number), finest.shape, volume.shape)
    if allowed is None:
        if not portion.box:
            return volume.box
        raise _beyond(granted, f"level {number}", "which is not made of whole blocks of level 0")
    return allowed


def _beyond(granted: Granted[ReadVoxels], asked: str, so: str) -> ForbiddenError:
    return ForbiddenError(
        f"{granted.asker} leads to a part of {granted.record.name} ({granted.portion}), and "
        f"{asked} was asked for, {so}; ask for a cutout in it"
    )
