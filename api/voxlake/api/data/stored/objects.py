"""Stored objects, read in parts: one system call for a small part of a local file.

The ETag and the bytes always come from the same object, however it is replaced meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from anyio import to_thread

from voxlake.api.http.file_span import FileSpan
from voxlake.ngff.memory.cache import Cached
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, ObjectNotFoundError, StoreError
from voxlake.platform.store import ObjectInfo, RangeReader, StoreURL

BLOCK = 4 << 20
"""Bytes read at once; a larger part is sent in blocks of this size."""

SPAN_BYTES = 128 << 10
"""Of a block from which on the system sends it by itself: of less, a copy is quicker."""

_INFO_BYTES = 500
_SEEN = Cached[ObjectInfo]("object-state")
"""The state that an object of a bucket was last seen in, by its address."""

type Block = bytes | memoryview | FileSpan
"""Bytes, all of which `bytes` makes; those of a file may have to be read for that."""

type Choose = Callable[[ObjectInfo], tuple[int, int] | None]
"""Picks the bytes ``[start, stop)`` to send, once size and ETag are known; None for none."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an object, on their way."""

    info: ObjectInfo
    """Its ETag is quoted."""
    span: tuple[int, int] | None
    """The bytes ``[start, stop)`` that come; None if none were chosen."""
    blocks: AsyncIterator[Block]
    release: Callable[[], object] = lambda: None
    """To be called when the blocks are sent, or are not wanted any more."""
    is_whole: bool = False
    """Whether all of it is in memory already; else a block is."""

    @property
    def size(self) -> int:
        """Bytes that come."""
        return self.span[1] - self.span[0] if self.span else 0

    @property
    def held_bytes(self) -> int:
        """Memory that it takes while it is sent."""
        return self.size if self.is_whole else min(self.size, BLOCK)


async def summarize(url: StoreURL) -> ObjectInfo:
    """Return size and quoted ETag of the object.

    Raises
    ------
    ObjectNotFoundError
        If the store says that there is none; every other failure is a StoreError.
    """
    if url.is_local:
        reader = await to_thread.run_sync(store.open_ranges, url)
        reader.close()
        return reader.info
    info = await store.ask_head(url)
    return info if info.etag.startswith('"') else replace(info, etag=f'"{info.etag}"')


async def read_part(url: StoreURL, choose: Choose) -> Part:
    """Open the object, let `choose` pick its bytes, and return them.

    Raises
    ------
    ObjectNotFoundError
        If the store says that there is none; every other failure is a StoreError.
    """
    if url.is_local:
        return await to_thread.run_sync(_open_part, url, choose)
    try:
        return await _ask_part(url, choose)
    except ConflictError:
        # It was written anew since its size and ETag were asked for.
        return await _ask_part(url, choose)


def part_of(body: bytes | memoryview, info: ObjectInfo, span: tuple[int, int] | None) -> Part:
    """Return bytes of an object that was read whole."""
    chosen: list[Block] = [body[slice(*span)]] if span and span[0] < span[1] else []
    return Part(info, span, _each(chosen), is_whole=True)


async def _ask_part(url: StoreURL, choose: Choose) -> Part:
    seen = _SEEN.peek(str(url)) if url.is_bucket else None  # others may tell no states
    span = choose(seen) if seen else None
    if seen and span and span[0] < span[1]:
        # If it is in that state no more, the store says so.
        with suppress(ConflictError, ObjectNotFoundError):
            return Part(seen, span, await store.ask_stream(seen, *span, BLOCK))
    info = await summarize(url)
    _SEEN.put(str(url), info, _INFO_BYTES)
    span = choose(info)
    if span is None or span[0] == span[1]:
        return Part(info, span, no_blocks())
    return Part(info, span, await store.ask_stream(info, *span, BLOCK))


async def _each(blocks: Iterable[Block]) -> AsyncIterator[Block]:
    for block in blocks:
        yield block


def no_blocks() -> AsyncIterator[Block]:
    """Return the blocks of a part of no bytes."""
    return _each(())


def _open_part(url: StoreURL, choose: Choose) -> Part:
    """Open a file and read the first block that is wanted: one hop to a thread, for small parts."""
    reader = store.open_ranges(url)
    span = choose(reader.info)
    return Part(reader.info, span, blocks_of(reader, span or (0, 0)), reader.close)


def blocks_of(reader: RangeReader, span: tuple[int, int]) -> AsyncIterator[Block]:
    """Return the bytes ``[start, stop)`` of a file, the first block of which is read at once."""
    return _blocks(reader, span, _read_block(reader, *span))


async def _blocks(reader: RangeReader, span: tuple[int, int], first: Block) -> AsyncIterator[Block]:
    offset, stop = span
    block = first
    while offset < stop:
        yield block
        offset += len(block)
        if offset < stop:
            block = await to_thread.run_sync(_read_block, reader, offset, stop)


def _read_block(reader: RangeReader, start: int, stop: int) -> Block:
    """Return the next block: what the system has in memory is not copied from there."""
    stop = min(stop, start + BLOCK)
    if stop - start >= SPAN_BYTES and reader.is_at_hand(start, stop):
        return FileSpan(reader, start, stop)
    body = reader.read(start, stop)
    if not body and start < stop:
        raise StoreError(
            f"cannot read {reader.url}: it ends at {start} and was to have {stop} bytes"
        )
    return body
