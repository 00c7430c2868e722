"""Indices of shards that were read: kept by the state of their object, so that none is ever stale.

Whoever reads chunks opens the shard, which says what state it is in, and reads them of that state.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.memory.cache import Cached

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.shards.format import ShardIndex
    from voxlake.platform.store import ObjectInfo, RangeReader, StoreURL

type Entries = npt.NDArray[np.uint64]
"""(chunks, 2) offset and size of each chunk, in C order of the shard's grid."""

_KEPT = Cached[Entries]("shard-index")


def index_of(coding: ShardIndex, opened: RangeReader) -> Entries:
    """Return (offset, size) of each chunk of an open shard; ABSENT for those of fill. Not to write.

    One of a state that was read before is not read again.

    Raises
    ------
    CorruptDataError
        If the index is damaged.
    ConflictError
        If the shard on S3 is another by now: open it again.
    StoreError
        If the store fails.
    """
    read = partial(_read_index, coding, opened)
    if not opened.is_settled:
        return read()
    return _KEPT.get(_key(coding, opened.info), read, _bytes_of)


def kept_index(coding: ShardIndex, info: ObjectInfo) -> Entries | None:
    """Return the index of a state of a shard, if it was read and is kept."""
    return _KEPT.peek(_key(coding, info))


def keep_index(coding: ShardIndex, info: ObjectInfo, body: bytes | memoryview) -> Entries:
    """Return the index of a state of a shard, given the bytes of the index; and keep it."""
    entries = _decoded(coding, info, body)
    _KEPT.put(_key(coding, info), entries, entries.nbytes)
    return entries


def _key(coding: ShardIndex, info: ObjectInfo) -> tuple[StoreURL, str, int, bool]:
    # An array that is made anew may be coded in another way.
    return info.url, info.etag, coding.index_bytes, coding.index_first


def _read_index(coding: ShardIndex, opened: RangeReader) -> Entries:
    start, stop = coding.index_span(opened.info.size)
    return _decoded(coding, opened.info, opened.read(start, stop) if stop else b"")


def _decoded(coding: ShardIndex, info: ObjectInfo, body: bytes | memoryview) -> Entries:
    entries = coding.decode_index(bytes(body), info.size, str(info.url))
    entries.setflags(write=False)
    return entries


def _bytes_of(entries: Entries) -> int:
    return entries.nbytes
