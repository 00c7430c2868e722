"""Read what a box has of shards on S3, by as few requests as may be.

One asks for the index of a state that is not known, and one for each stretch of chunks that are
close. If all chunks are kept, in memory or on a disk, one asks whether the state is still the same;
else the requests for chunks carry that as a condition.
"""

from __future__ import annotations

import asyncio
from functools import cache, partial
from typing import TYPE_CHECKING

from voxlake.ngff.reading.pieces import pieces_of
from voxlake.ngff.reading.shard import ShardPart
from voxlake.ngff.shards.seen import ask_chunks, ask_index, seen_index
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.reading.box_reading import BoxReading
    from voxlake.ngff.reading.decoded import DecodedChunks
    from voxlake.ngff.reading.reading import Work
    from voxlake.platform.store import StoreURL

TRIES = 100
"""How often a shard is read again because others wrote to it, until that is an error."""

_AT_ONCE = 16
"""Shards that are asked for at the same time, of all boxes."""


def read_objects(
    reading: BoxReading, shards: Iterable[tuple[Cell, StoreURL]], kept: DecodedChunks | None
) -> None:
    """Begin to read what a box has of `shards`."""
    asked = store.begin(partial(_read_all, reading, shards, kept))
    reading.when_given_up(asked.cancel)


async def _read_all(
    reading: BoxReading, shards: Iterable[tuple[Cell, StoreURL]], kept: DecodedChunks | None
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for cell, url in shards:
                await _turns().acquire()
                asked = group.create_task(_read_object(reading, cell, url, kept))
                asked.add_done_callback(lambda _: _turns().release())
    except BaseExceptionGroup as errors:
        reading.fail(errors.exceptions[0])
    finally:
        reading.begun()


async def _read_object(
    reading: BoxReading, cell: Cell, url: StoreURL, kept: DecodedChunks | None
) -> None:
    try:
        works = await _ask_works(reading, cell, url, kept)
    except ObjectNotFoundError:
        reading.put_fill(cell)
    else:
        reading.add(works)


async def _ask_works(
    reading: BoxReading, cell: Cell, url: StoreURL, kept: DecodedChunks | None
) -> list[Work]:
    """Ask for the chunks of one state; return what is left to do when they are there."""
    coding, pieces = reading.coding, pieces_of(reading.coding, cell, reading.box)
    seen = await seen_index(coding, url)
    for _ in range(TRIES):
        info, entries = seen or await ask_index(coding, url)
        part = ShardPart(reading, info, entries, kept)
        left = part.put_known(pieces)
        try:
            payloads, is_asked = await ask_chunks(info, part.ranges(left))
            if is_asked or seen is None or (await store.ask_head(url)).etag == info.etag:
                return part.works(left, payloads)
        except (ConflictError, ObjectNotFoundError):
            pass
        seen = None  # it was written or deleted since
    raise ConflictError(f"{url} was written by others {TRIES} times while it was read; try again")


@cache
def _turns() -> asyncio.Semaphore:
    return asyncio.Semaphore(_AT_ONCE)
