"""The state that each shard of a bucket was last seen in, for requests on that condition.

What is known of it is good once the store has said that the shard is in that state still: by an
answer to a request on its ETag, or to one for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.shards.index_cache import keep_index, kept_index
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.ngff.shards.format import ShardIndex
    from voxlake.ngff.shards.index_cache import Entries
    from voxlake.platform.store import ObjectInfo, StoreURL

type Seen = tuple[ObjectInfo, Entries]
"""A state of a shard, and its index."""

_INFO_BYTES = 500
_SEEN = Cached["ObjectInfo"]("shard-state")


def seen_index(coding: ShardIndex, url: StoreURL) -> Seen | None:
    """Return the state that a shard was last seen in, if its index is kept."""
    info = _SEEN.peek(str(url))
    entries = None if info is None else kept_index(coding, info)
    return None if info is None or entries is None else (info, entries)


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
    return info, entries
