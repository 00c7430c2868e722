"""Deadlines end what works for a request, in whatever thread and store library it waits."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest
import tensorstore as ts
from tests.conftest import forget_stores
from tests.servers.wire import Wire, bad_wire

from voxlake.platform import store
from voxlake.platform.deadline import (
    Deadline,
    check_deadline,
    give_up,
    under_deadline,
    until,
    wait_for,
)
from voxlake.platform.errors import StoreUnavailableError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.platform.store import StoreURL

BODY = b"voxel" * 100
ETAG = f'"{md5(BODY, usedforsecurity=False).hexdigest()}"'


@pytest.fixture
def wired(s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[StoreURL, Wire]]:
    """A store with three objects, and the wire to it."""
    for name in "abc":
        store.write(s3_store / name, BODY)
    assert s3_store.endpoint is not None
    with bad_wire(s3_store.endpoint) as wire:
        monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "3")
        forget_stores()
        yield replace(s3_store, endpoint=wire.endpoint), wire
    forget_stores()


ASKED: dict[str, Callable[[StoreURL], Any]] = {
    "read": lambda url: store.read(url / "a").body,
    "head": lambda url: store.head(url / "a").size,
    "ranges": lambda url: store.read_ranges(url / "a", [(0, 7), (9, 300)]),
    "children": store.list_children,
    "walk": lambda url: sorted((each.url.key[-1], each.size) for each in store.walk(url)),
    "last": lambda url: store.last_object(url, lambda name: name < "c"),
    "write": lambda url: store.write(url / "a", BODY),
    "replace": lambda url: store.replace(url / "a", BODY, ETAG),
    "delete": lambda url: store.delete(url / "none"),
    "delete-tree": lambda url: store.delete_tree(url / "none"),
    "grow": lambda url: _grown(url / "a"),
}


def _grown(url: StoreURL) -> str:
    growing = store.grow(url)
    growing.append([BODY])
    return growing.commit(turn=nullcontext(ETAG))


@pytest.mark.parametrize("how", ASKED)
def test_a_store_that_drips_is_given_up_at_the_deadline(
    how: str, wired: tuple[StoreURL, Wire]
) -> None:
    url, wire = wired
    expected = ASKED[how](url)
    with until(Deadline(30)):
        assert ASKED[how](url) == expected
    wire.drips = True
    begun = time.monotonic()
    with until(Deadline(0.4)), pytest.raises(TimedOutError, match=r"0\.4 s.*ask for less"):
        ASKED[how](url)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("how", ["children", "walk", "last"])
def test_a_listing_that_broke_off_is_asked_again(how: str, wired: tuple[StoreURL, Wire]) -> None:
    url, wire = wired
    expected = ASKED[how](url)
    wire.breaks = 2
    assert ASKED[how](url) == expected
    assert wire.broken == 2
    wire.breaks = 100
    with pytest.raises(StoreUnavailableError):
        ASKED[how](url)


def test_what_nobody_waits_for_ends_in_every_thread() -> None:
    answer: Future[None] = Future()
    with ThreadPoolExecutor(1) as pool, until(Deadline(60)):
        waiting = pool.submit(under_deadline(wait_for), answer)
        give_up()
        with pytest.raises(TimedOutError, match="nobody waits"):
            waiting.result(5)
        with until(None):
            check_deadline()
        with pytest.raises(TimedOutError):
            check_deadline()
    assert answer.cancelled()
    check_deadline()


def test_an_answer_of_tensorstore_is_given_up_too() -> None:
    promise, answer = ts.Promise[int].new()
    with until(Deadline(0.2)), pytest.raises(TimedOutError):
        wait_for(answer)
    assert answer.cancelled()
    promise, answer = ts.Promise[int].new()
    promise.set_exception(TimeoutError("of its own"))
    with until(Deadline(5)), pytest.raises(TimeoutError, match="of its own"):
        wait_for(answer)


class _JustThen:
    """An answer that comes in the moment after the wait for it has timed out."""

    def result(self, timeout: float | None = None) -> str:
        if timeout is not None:
            raise TimeoutError
        return "answer"

    def done(self) -> bool:
        return True

    def cancel(self) -> bool:
        return False


def test_an_answer_that_comes_as_a_look_ends_is_given() -> None:
    with until(Deadline(30)):
        assert wait_for(_JustThen()) == "answer"
