"""Find the rows of a stored shard: every chunk is scanned where it was decoded.

What is held is the stored bytes of the shard and a few decoded chunks, never the decoded shard.
"""

from __future__ import annotations

from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Protocol

import numpy as np

from voxlake.ngff.labels.scan.rows import (
    NOTHING,
    chunk_extents,
    find_rows,
    found_in_chunks,
    joined_rows,
)
from voxlake.ngff.shards.chunk_codec import unpack_chunks
from voxlake.ngff.shards.format import ABSENT, find_shard_format
from voxlake.ngff.shards.whole import decode_shard
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.scan.rows import Found, Rows
    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.volume import Volume

BATCH_BYTES = 4 << 20
"""Decoded chunks that are scanned together, about: few enough to stay in the cache."""


class InOrder(Protocol):
    """Runs work, maybe several pieces at once, and yields the answers in the order of the work."""

    def __call__[T](self, works: Iterable[Callable[[], T]], /) -> Iterator[T]:
        """Yield what each of `works` returns."""
        ...


def one_by_one[T](works: Iterable[Callable[[], T]], /) -> Iterator[T]:
    """Run each of `works` in this thread.

    Examples
    --------
    >>> list(one_by_one([lambda: 1, lambda: 2]))
    [1, 2]
    """
    return (work() for work in works)


def stored_rows(volume: Volume, cell: Cell, in_order: InOrder = one_by_one) -> tuple[Rows, str]:
    """Return the rows of the shard at `cell` and its ETag; both are empty if it is not stored.

    Both come from one answer of the store, so they are of the same bytes.
    """
    stored = store.read_if_there(volume.shard_url(cell))
    if stored is None:
        volume.check_there()
        return NOTHING, ""
    return rows_in(volume, cell, stored.body, in_order), stored.etag


def rows_in(volume: Volume, cell: Cell, body: bytes, in_order: InOrder = one_by_one) -> Rows:
    """Return the rows of the shard at `cell`, whose bytes are `body`."""
    coding = find_shard_format(volume)
    if coding is None:
        return find_rows(volume, cell, decode_shard(volume, cell, body))
    return joined_rows(volume, cell, in_order(_works(volume, cell, coding, memoryview(body))))


def _works(
    volume: Volume, cell: Cell, coding: ShardFormat, body: memoryview
) -> Iterator[Callable[[], Found]]:
    """Yield the scanning of a few chunks at a time."""
    what = str(volume.shard_url(cell))
    entries = coding.entries_in(body, what)
    extents = chunk_extents(volume, cell)
    at_once = max(1, BATCH_BYTES // coding.chunk_bytes)
    for numbers in batched(np.flatnonzero(entries[:, 0] != ABSENT).tolist(), at_once):
        payloads = {n: body[int(entries[n, 0]) :][: int(entries[n, 1])] for n in numbers}
        yield partial(_scan, coding, payloads, extents, what)


def _scan(
    coding: ShardFormat, payloads: dict[int, Payload], extents: npt.NDArray[np.int64], what: str
) -> Found:
    chunks = unpack_chunks(coding, list(payloads.values()), what)
    return found_in_chunks(dict(zip(payloads, chunks, strict=True)), extents)
