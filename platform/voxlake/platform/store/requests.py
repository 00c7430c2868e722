"""Requests to stores: given up at the deadline; listings that were cut off are asked again."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Concatenate

import obstore.store
from obstore import exceptions as obstore_errors

from voxlake.platform.deadline import Deadline, check_deadline, has_deadline, until, wait_for
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.store.adapters import as_obstore
from voxlake.platform.store.background import background_loop
from voxlake.platform.store.process import prepare_process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from concurrent.futures import Future

    from obstore import ListResult, ListStream, ObjectMeta

    from voxlake.platform.store.adapters import Obstore
    from voxlake.platform.store.url import StoreURL

_CUT_OFF = "list response body"
"""What obstore says of a listing that ended early, which it does not ask for again itself."""


def request[**P, T](
    ask: Callable[Concatenate[Obstore, P], T],
    ask_async: Callable[Concatenate[Obstore, P], Awaitable[T]],
    store: Obstore,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Return the answer to `ask`, or where a deadline counts to `ask_async`, which can be ended."""
    if not has_deadline():
        return ask(store, *args, **kwargs)
    return in_background(partial(ask_async, store, *args, **kwargs))


def list_level(url: StoreURL) -> ListResult[Sequence[ObjectMeta]]:
    """Return the objects directly below `url` and the prefixes of those further below."""
    _check_listed(url)
    for left in reversed(range(prepare_process().store_retries + 1)):
        try:
            return request(
                obstore.list_with_delimiter,
                obstore.list_with_delimiter_async,
                as_obstore(url),
                prefix=url.key or None,
            )
        except obstore_errors.BaseError as error:
            if not left or _CUT_OFF not in str(error):
                raise
    raise AssertionError


def list_pages(url: StoreURL) -> Iterator[Sequence[ObjectMeta]]:
    """Yield all objects below `url`, in lists of many."""
    _check_listed(url)
    last, retries = None, prepare_process().store_retries
    left = retries
    while True:
        pages = obstore.list(as_obstore(url), prefix=url.key or None, offset=last)
        try:
            while page := _next_page(pages):
                yield page
                last, left = page[-1]["path"], retries
        except obstore_errors.BaseError as error:
            if not left or _CUT_OFF not in str(error):
                raise
            left -= 1
        else:
            return


def _check_listed(url: StoreURL) -> None:
    if not url.is_listed:
        raise UnsupportedError(
            f"{url} is on the web, where what lies below an address is not told; copy it to a "
            "folder or to S3 for what has to list it"
        )


def prepare_runtime() -> None:
    """Begin the threads of obstore: in a server that has no files left to open they would fail."""
    memory = obstore.store.MemoryStore()
    obstore.put(memory, "probe", b"")
    with until(Deadline(60)):
        request(obstore.head, obstore.head_async, memory, "probe")


def _next_page(pages: ListStream[Sequence[ObjectMeta]]) -> Sequence[ObjectMeta] | None:
    check_deadline()
    if not has_deadline():
        return next(pages, None)
    try:
        return in_background(pages.__anext__)
    except StopAsyncIteration:
        return None


def in_background[T](ask: Callable[[], Awaitable[T]]) -> T:
    """Wait for an answer in this thread, no longer than the deadline lets it."""
    return wait_for(begin(ask))


def begin[T](ask: Callable[[], Awaitable[T]]) -> Future[T]:
    """Let requests be made in the background, under the deadline that counts here."""

    async def answer() -> T:
        return await ask()

    return asyncio.run_coroutine_threadsafe(answer(), background_loop())
