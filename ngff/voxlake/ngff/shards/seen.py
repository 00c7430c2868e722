"""The state that each shard of a bucket was last seen in, for requests on that condition.

What is known of it is good once the store has said that the shard is in that state still: by an
answer to a request on its ETag, or to one for it. So it is with what is kept on a disk.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.memory.disk import DISK
from voxlake.ngff.shards.index_cache import keep_index, kept_index
from voxlake.platform import store
from voxlake.platform.store import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.ngff.shards.format import ShardIndex
    from voxlake.ngff.shards.index_cache import Entries
    from voxlake.platform.store import StoreURL

type Seen = tuple[ObjectInfo, Entries]
"""A state of a shard, and its index."""

_INFO_BYTES = 500
_SEEN = Cached[ObjectInfo]("shard-state")


async def seen_index(coding: ShardIndex, url: StoreURL) -> Seen | None:
    """Return the state that a shard was last seen in, if its index is kept."""
    info = _SEEN.peek(str(url))
    entries = None if info is None else kept_index(coding, info)
    if info is not None and entries is not None:
        return info, entries
    return await asyncio.to_thread(_on_disk, coding, url) if DISK.is_open else None


async def ask_index(coding: ShardIndex, url: StoreURL) -> Seen:
    """Return the state that a shard is in, and its index, by one request; and keep both.

    Raises
    ------
    ObjectNotFoundError
        If none is stored.
    CorruptDataError
        If the index is damaged.
    StoreError
        If the store fails.
    """
    ask = store.ask_start if coding.index_first else store.ask_end
    info, body = await ask(url, coding.index_bytes)
    entries = keep_index(coding, info, body)
    _SEEN.put(str(url), info, _INFO_BYTES)
    told = json.dumps([info.size, info.etag]).encode()
    DISK.keep([(_state_key(url), told), (_key(info, coding.index_span(info.size)), body)])
    return info, entries


async def ask_chunks(
    info: ObjectInfo, ranges: Sequence[tuple[int, int]]
) -> tuple[list[memoryview], bool]:
    """Return the bytes ``[start, stop)`` of chunks of a state of a shard.

    And whether the store was asked, which says then that the shard is in that state; else all came
    from the disk, or none were wanted.

    Raises
    ------
    ConflictError
        If it is in another by now.
    ObjectNotFoundError, StoreError
        As of `store.ask_parts`.
    """
    if not ranges or not DISK.is_open:
        return await store.ask_parts(info, ranges), bool(ranges)
    keys = [_key(info, span) for span in ranges]
    kept = await asyncio.to_thread(DISK.get_all, keys)
    lacking = [number for number, body in enumerate(kept) if body is None]
    asked = await store.ask_parts(info, [ranges[number] for number in lacking]) if lacking else []
    DISK.keep([(keys[number], body) for number, body in zip(lacking, asked, strict=True)])
    coming = iter(asked)
    return [next(coming) if body is None else body for body in kept], bool(lacking)


def _on_disk(coding: ShardIndex, url: StoreURL) -> Seen | None:
    told = DISK.get(_state_key(url))
    if told is None:
        return None
    size, etag = json.loads(bytes(told))
    info = ObjectInfo(url, size, etag)
    entries = kept_index(coding, info)
    if entries is None:
        body = DISK.get(_key(info, coding.index_span(size)))
        entries = None if body is None else keep_index(coding, info, body)
    if entries is None:
        return None
    _SEEN.put(str(url), info, _INFO_BYTES)
    return info, entries


def _state_key(url: StoreURL) -> str:
    return f"state {url.scheme} {url.endpoint} {url.root}/{url.key}"


def _key(info: ObjectInfo, span: tuple[int, int]) -> str:
    url = info.url
    return f"{url.scheme} {url.endpoint} {url.root}/{url.key} {info.etag} {span[0]}-{span[1]}"
