"""Volumes opened once per worker process: a task carries only their addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from voxlake.ngff.volume import Volume, open_volume

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


@lru_cache(maxsize=64)
def opened_volume(url: StoreURL) -> Volume:
    """Return the volume at `url`; its geometry never changes while a job works on it.

    It keeps no chunks: tasks read each voxel once, and a cache would only hold memory.
    """
    return open_volume(url, cache_bytes=0)


def close_opened_volumes() -> None:
    """Let the next task open its volumes anew: another may lie there, of another type or shape."""
    opened_volume.cache_clear()
