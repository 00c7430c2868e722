"""Inner chunks of stored shards, as they lie: of a file by one hop to a thread.

A chunk always comes from the very state of its shard that the index was read from: of a local store
the file is open meanwhile, on S3 the requests name the ETag, and if others wrote to the shard both
are read anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from anyio import to_thread

from voxlake.api.data.stored.objects import (
    BLOCK,
    Choose,
    Part,
    blocks_of,
    no_blocks,
    part_of,
    summarize,
)
from voxlake.api.http.again import read_again
from voxlake.ngff.grid.box import Cell
from voxlake.ngff.memory.disk import DISK
from voxlake.ngff.shards.format import ABSENT, ShardIndex
from voxlake.ngff.shards.index_cache import Entries, index_of, keep_index, kept_index
from voxlake.ngff.shards.seen import Seen, ask_chunks, ask_index, seen_index
from voxlake.ngff.volume import Volume
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, ObjectNotFoundError
from voxlake.platform.store import ObjectInfo, StoreURL


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """Where a chunk of a sharded array is to be found."""

    coding: ShardIndex
    url: StoreURL
    """Of its shard."""
    number: int
    """Of the chunk in the shard."""

    def start_in(self, entries: Entries) -> int | None:
        """Return where in the shard it begins; None if it is not stored, all fill."""
        start = int(entries[self.number, 0])
        return None if start == ABSENT else start

    def info(self, shard: ObjectInfo, entries: Entries) -> ObjectInfo:
        """Return size and ETag of the chunk: that of its shard, and its number in it."""
        etag = f'"{shard.etag.strip('"')}-{self.number:x}"'
        return ObjectInfo(self.url, int(entries[self.number, 1]), etag)


async def read_chunk(
    volume: Volume, coding: ShardIndex, chunk: Cell, choose: Choose
) -> Part | None:
    """Return those bytes of a stored chunk that `choose` picks; None if it is all fill.

    Parameters
    ----------
    volume, coding, chunk
        The chunk at a cell of the read grid of `volume`, whose shards have such an index.
    choose
        Is told size and ETag of the chunk; twice, if others write to its shard meanwhile.

    Raises
    ------
    CorruptDataError
        If the index of the shard is damaged.
    ConflictError
        If the array is being deleted, or its shard is written faster than it can be read.
    StoreError
        If the store fails.
    """
    cell, number = coding.place(chunk)
    place = StoredChunk(coding, volume.shard_url(cell), number)
    try:
        if volume.url.is_local:
            return await read_again(partial(to_thread.run_sync, _open, place, choose))
        return await read_again(partial(_ask_again, place, choose))
    except ObjectNotFoundError:
        await to_thread.run_sync(volume.check_there)
        return None


def _open(place: StoredChunk, choose: Choose) -> Part | None:
    reader = store.open_ranges(place.url)
    entries = index_of(place.coding, reader)
    start = place.start_in(entries)
    if start is None:
        reader.close()
        return None
    info = place.info(reader.info, entries)
    span = choose(info)
    blocks = blocks_of(reader, (start + span[0], start + span[1])) if span else no_blocks()
    return Part(info, span, blocks, reader.close)


async def _ask_again(place: StoredChunk, choose: Choose) -> Part | None:
    is_told = place.url.is_bucket  # others may tell no states of objects
    seen = await seen_index(place.coding, place.url) if is_told else None
    try:
        return await _ask(place, choose, seen)
    except ConflictError:
        # It was written anew since it was seen.
        return await _ask(place, choose)


async def _ask(place: StoredChunk, choose: Choose, seen: Seen | None = None) -> Part | None:
    """Return a part of a chunk; ConflictError if the shard is in another state than was `seen`."""
    shard, entries = seen or await _look_at(place)
    part, is_asked = await _ask_part(place, choose, shard, entries)
    if seen and not is_asked and (await store.ask_head(place.url)).etag != shard.etag:
        raise ConflictError(f"{place.url} has changed since it was seen; look again")
    return part


async def _ask_part(
    place: StoredChunk, choose: Choose, shard: ObjectInfo, entries: Entries
) -> tuple[Part | None, bool]:
    """Return a part of a chunk of a state of its shard, and whether the store was asked for it."""
    start = place.start_in(entries)
    if start is None:
        return None, False
    info = place.info(shard, entries)
    span = choose(info)
    if span is None or span[0] == span[1]:
        return Part(info, span, no_blocks()), False
    if DISK.is_open and info.size <= BLOCK:
        [body], is_asked = await ask_chunks(shard, [(start, start + info.size)])
        return part_of(body, info, span), is_asked
    stream = await store.ask_stream(shard, start + span[0], start + span[1], BLOCK)
    return Part(info, span, stream), True


async def _look_at(place: StoredChunk) -> Seen:
    """Return the state of a shard, and its index."""
    if place.url.is_bucket:
        return await ask_index(place.coding, place.url)
    # Web servers need not know what the end of an object is.
    shard = await summarize(place.url)
    entries = kept_index(place.coding, shard)
    if entries is None:
        [body] = await store.ask_parts(shard, [place.coding.index_span(shard.size)])
        entries = keep_index(place.coding, shard, body)
    return shard, entries
