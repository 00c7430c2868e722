"""Requests to buckets that coroutines await: for servers, with many at a time and few threads."""

from __future__ import annotations

from asyncio import gather
from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions as obstore_errors
from obstore.store import S3Store

from voxlake.platform.errors import ObjectNotFoundError, StoreError
from voxlake.platform.store.failures import store_failures
from voxlake.platform.store.info import ObjectInfo, etag_of_meta, is_told
from voxlake.platform.store.objects import object_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence

    from obstore import BytesStream, GetOptions

    from voxlake.platform.store.url import StoreURL


CLOSE_BYTES = 256 << 10
"""Ranges so close are read in one request: to send what is between takes less than another."""
_NO_RANGE = "status code: 416"


async def ask_head(url: StoreURL) -> ObjectInfo:
    """Return size and ETag of the object; of one that is absent it asks once more, as `head`."""
    try:
        with store_failures("read", url):
            meta = await obstore.head_async(*object_of(url))
    except ObjectNotFoundError:
        if not url.is_bucket:
            raise
        return (await ask_start(url, 1))[0]
    return ObjectInfo(url, meta["size"], etag_of_meta(meta))


def ask_stream(
    info: ObjectInfo, start: int, stop: int, block_bytes: int
) -> Awaitable[AsyncIterator[memoryview]]:
    """Ask for the bytes ``[start, stop)`` of the object that `info` is of, in one request.

    They come in blocks of `block_bytes` or more. Awaiting them fails with ConflictError if the
    object is another by now, where the store tells ETags.
    """
    options: GetOptions = {"range": (start, stop)}
    if is_told(info.etag):
        options["if_match"] = info.etag
    with store_failures("read", info.url):
        request = obstore.get_async(*object_of(info.url), options=options)
    return _Answer(info.url, request, lambda answer: _Blocks(info.url, answer.stream(block_bytes)))


async def ask_parts(info: ObjectInfo, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
    """Return the bytes of each range ``[start, stop)`` of the object that `info` is of.

    Ranges that are close are asked for in one request. It fails as `ask_stream` does.
    """
    condition: GetOptions = {"if_match": info.etag} if is_told(info.etag) else {}
    return await _ask_spans(info.url, ranges, condition)


async def ask_ranges(url: StoreURL, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
    """Return the bytes of each range of the object as it is; fewer where it ends."""
    return await _ask_spans(url, ranges, {})


async def _ask_spans(
    url: StoreURL, ranges: Sequence[tuple[int, int]], condition: GetOptions
) -> list[memoryview]:
    spans = _joined(ranges)
    asked = [_ask_span(url, span, condition) for span in spans]
    bodies = dict(zip(spans, await gather(*asked), strict=True))
    lasts = [start for start, _ in spans]
    found = []
    for start, stop in ranges:
        span = spans[bisect_right(lasts, start) - 1]
        found.append(bodies[span][start - span[0] : stop - span[0]])
    return found


async def ask_start(url: StoreURL, size: int) -> tuple[ObjectInfo, memoryview]:
    """Return what the object is, and its first `size` bytes, or all that it has."""
    return await _ask_body(url, {"range": (0, size)})


async def ask_end(url: StoreURL, size: int) -> tuple[ObjectInfo, memoryview]:
    """Return what the object is, and its last `size` bytes, or all that it has."""
    if url.scheme == "az":
        return await _ask_end_by_size(url, size)
    return await _ask_body(url, {"range": {"suffix": size}})


async def _ask_end_by_size(url: StoreURL, size: int) -> tuple[ObjectInfo, memoryview]:
    """Do as `ask_end` where ranges are not counted from the end, as on Azure: by two requests."""
    while True:
        told = await ask_head(url)
        if not told.size:
            return told, memoryview(b"")
        info, body = await _ask_body(url, {"range": (max(0, told.size - size), told.size)})
        if info.size == told.size:
            return info, body


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges in order, those joined that are close.

    Examples
    --------
    >>> _joined([(10, 20), (0, 5), (1 << 20, 1 << 21)])
    [(0, 20), (1048576, 2097152)]
    """
    spans: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if spans and start - spans[-1][1] <= CLOSE_BYTES:
            spans[-1] = spans[-1][0], max(stop, spans[-1][1])
        else:
            spans.append((start, stop))
    return spans


async def _ask_span(url: StoreURL, span: tuple[int, int], condition: GetOptions) -> memoryview:
    if span[0] == span[1]:
        return memoryview(b"")
    return (await _ask_body(url, {"range": span, **condition}))[1]


async def _ask_body(url: StoreURL, options: GetOptions) -> tuple[ObjectInfo, memoryview]:
    with store_failures("read", url):
        try:
            answer = await obstore.get_async(*object_of(url), options=options)
        except obstore_errors.GenericError as error:
            if _NO_RANGE not in str(error):
                raise
            return await _ask_empty(url, error)
        meta, (start, stop), body = answer.meta, answer.range, await answer.bytes_async()
    if len(body) != stop - start:
        raise StoreError(
            f"cannot read {url}: an answer was cut off after {len(body)} of {stop - start} bytes; "
            "try again"
        )
    return ObjectInfo(url, meta["size"], etag_of_meta(meta)), memoryview(body)


def ask_signed(url: StoreURL, seconds: int) -> Awaitable[str]:
    """Ask for an address at which whoever has it may GET the object of S3, for so many seconds."""
    lasts = timedelta(seconds=seconds)
    with store_failures("read", url):
        store, key = object_of(url)
        assert isinstance(store, S3Store)
        request = obstore.sign_async(store, "GET", key, lasts)
    return _Answer(url, request, str)


class _Answer[T]:
    """What a request is answered with, made of it by `take`; its failures are voxlake's."""

    def __init__(self, url: StoreURL, request: Awaitable[Any], take: Callable[[Any], T]) -> None:
        self._url, self._request, self._take = url, request, take

    def __await__(self) -> Generator[Any, None, T]:
        with store_failures("read", self._url):
            return self._take((yield from self._request.__await__()))


class _Blocks:
    def __init__(self, url: StoreURL, stream: BytesStream) -> None:
        self._url, self._stream = url, stream

    def __aiter__(self) -> AsyncIterator[memoryview]:
        return self

    def __anext__(self) -> Awaitable[memoryview]:
        return _Answer(self._url, self._stream.__anext__(), memoryview)


async def _ask_empty(url: StoreURL, error: Exception) -> tuple[ObjectInfo, memoryview]:
    """Return what the object is if it is empty: S3 refuses any range of it; else raise `error`."""
    meta = await obstore.head_async(*object_of(url))
    if meta["size"]:
        raise error
    return ObjectInfo(url, 0, etag_of_meta(meta)), memoryview(b"")
