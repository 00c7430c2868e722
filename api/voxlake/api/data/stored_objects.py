"""Stored objects, read in parts: one system call for a small part of a local file.

The ETag and the bytes always come from the same object, however it is replaced meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import obstore
from anyio import to_thread

from voxlake.platform.errors import ObjectNotFoundError
from voxlake.platform.store import StoreURL, as_obstore, etag_of_file
from voxlake.platform.store.failures import store_failures

if TYPE_CHECKING:
    from obstore import GetOptions

BLOCK = 4 << 20
"""Bytes read at once; a larger part is sent in blocks of this size."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a HEAD request tells of an object."""

    size: int
    """Bytes."""
    etag: str
    """Quoted, strong."""


type Choose = Callable[[Summary], tuple[int, int] | None]
"""Picks the bytes ``[start, stop)`` to send, once size and ETag are known; None for none."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an object, on their way."""

    summary: Summary
    span: tuple[int, int] | None
    """The bytes ``[start, stop)`` that come; None if none were chosen."""
    blocks: AsyncIterator[bytes | memoryview]
    release: Callable[[], None] = lambda: None
    """To be called when the blocks are sent, or are not wanted any more."""

    @property
    def size(self) -> int:
        """Bytes that come."""
        return self.span[1] - self.span[0] if self.span else 0

    @property
    def is_small(self) -> bool:
        """Whether all bytes come in one block."""
        return self.size <= BLOCK


async def summarize(url: StoreURL) -> Summary:
    """Return size and ETag of the object.

    Raises
    ------
    ObjectNotFoundError
        If the store says that there is none; every other failure is a StoreError.
    """
    if url.is_local:
        return await to_thread.run_sync(_summarize_file, url)
    with store_failures("read", url):
        meta = await obstore.head_async(as_obstore(url), url.key)
        return Summary(meta["size"], _quoted(str(meta["e_tag"])))


async def read_part(url: StoreURL, choose: Choose) -> Part:
    """Open the object, let `choose` pick its bytes, and return them.

    Raises
    ------
    ObjectNotFoundError
        If the store says that there is none; every other failure is a StoreError.
    """
    if url.is_local:
        return await _read_file(url, choose)
    summary = await summarize(url)
    span = choose(summary)
    if span is None or span[0] == span[1]:
        return Part(summary, span, _nothing())
    options: GetOptions = {"range": span, "if_match": summary.etag}
    with store_failures("read", url):
        answer = await obstore.get_async(as_obstore(url), url.key, options=options)
    return Part(summary, span, _stream(url, answer))


async def _stream(url: StoreURL, answer: obstore.GetResult) -> AsyncIterator[memoryview]:
    with store_failures("read", url):
        async for block in answer.stream(min_chunk_size=BLOCK):
            yield memoryview(block)


async def _nothing() -> AsyncIterator[bytes]:
    empty: tuple[bytes, ...] = ()
    for block in empty:
        yield block


def _quoted(etag: str) -> str:
    return etag if etag.startswith('"') else f'"{etag}"'


@dataclass(slots=True)
class _File:
    """An open file, the part of it to send, and the first block of that part."""

    descriptor: int
    summary: Summary
    span: tuple[int, int] | None
    first: bytes = b""

    def read(self, offset: int) -> bytes:
        """Return the block of the part that begins at `offset`."""
        stop = self.span[1] if self.span else offset
        body = os.pread(self.descriptor, min(BLOCK, stop - offset), offset)
        if not body and offset < stop:
            raise OSError(f"the file ends at {offset} and was to have {stop} bytes")
        return body

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


async def _read_file(url: StoreURL, choose: Choose) -> Part:
    file = await to_thread.run_sync(_open_part, url, choose)
    return Part(file.summary, file.span, _file_blocks(url, file), file.close)


async def _file_blocks(url: StoreURL, file: _File) -> AsyncIterator[bytes]:
    offset, stop = file.span or (0, 0)
    block = file.first
    while offset < stop:
        yield block
        offset += len(block)
        if offset < stop:
            with store_failures("read", url):
                block = await to_thread.run_sync(file.read, offset)


def _open_part(url: StoreURL, choose: Choose) -> _File:
    """Open the file and read the first block; the file is left open only if more is to come."""
    descriptor = _open(url)
    file = _File(descriptor, _summary(os.fstat(descriptor)), None)
    try:
        file.span = choose(file.summary)
        if file.span is not None:
            with store_failures("read", url):
                file.first = file.read(file.span[0])
    except BaseException:
        file.close()
        raise
    if file.span is None or file.span[0] + len(file.first) >= file.span[1]:
        file.close()
    return file


def _summarize_file(url: StoreURL) -> Summary:
    descriptor = _open(url)
    try:
        return _summary(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _open(url: StoreURL) -> int:
    """Open a regular file; a folder, or a path through a file, is no object."""
    try:
        # A pipe or a device must not block the server.
        descriptor = os.open(url.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ObjectNotFoundError(f"{url} is not there") from error
    except OSError as error:
        with store_failures("read", url):
            raise error from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ObjectNotFoundError(f"{url} is not there")
    return descriptor


def _summary(status: os.stat_result) -> Summary:
    """Return what the store says of the file."""
    return Summary(status.st_size, etag_of_file(status))
