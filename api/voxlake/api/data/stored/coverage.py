"""Which shards of a dataset are stored."""

from __future__ import annotations

from functools import partial

from voxlake.api.data.datasets import open_volume
from voxlake.api.guards.datasets import Granted
from voxlake.ngff.storage.coverage import Coverage, list_coverage
from voxlake.platform.access import ReadVoxels


async def coverage_of(granted: Granted[ReadVoxels], level: int) -> Coverage:
    """Return which shards of a level are stored, by a listing of the store up to a limit.

    Raises
    ------
    OutOfBoundsError
        If there is no such level.
    UnsupportedError
        If the dataset lies where nothing is listed.
    """
    volume = await open_volume(granted, level)
    return await granted.gateway.questions.ask(partial(list_coverage, volume))
