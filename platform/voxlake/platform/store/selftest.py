"""Test a store for what safe writing by many needs: some stores answer 200 and do not do it.

Of nine S3 servers tried, four ignore conditions without a word and one answers ranges with the
whole object; a promise is believed here only when it has been kept.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import tensorstore as ts

from voxlake.platform.errors import (
    ConflictError,
    ObjectExistsError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreUnfitError,
)
from voxlake.platform.store.adapters import as_tensorstore, is_in_tensorstore
from voxlake.platform.store.failures import explain_text, store_failures
from voxlake.platform.store.info import ObjectInfo
from voxlake.platform.store.local.lock import FileLock
from voxlake.platform.store.objects import (
    create,
    delete,
    delete_tree,
    head,
    list_children,
    read,
    walk,
    write,
)
from voxlake.platform.store.objects import replace as overwrite
from voxlake.platform.store.process import prepare_process
from voxlake.platform.store.ranges import read_range
from voxlake.platform.store.requests import in_background
from voxlake.platform.store.s3.awaited import ask_end, ask_parts
from voxlake.platform.store.s3.offers import OFFERS, BrokenPromiseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.platform.store.url import StoreURL

_BODY = bytes(range(256))


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that the store does, or does not."""

    name: str
    ok: bool
    text: str
    """What was seen."""
    needed: bool = True
    """Whether voxlake cannot do without it."""


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a store can do, by trial."""

    url: str
    capabilities: tuple[Capability, ...]

    @property
    def failed(self) -> tuple[Capability, ...]:
        """Those that it cannot do and that are needed."""
        return tuple(one for one in self.capabilities if one.needed and not one.ok)

    @property
    def lacking(self) -> tuple[Capability, ...]:
        """Those that it cannot do and that voxlake can do without; their texts say how."""
        return tuple(one for one in self.capabilities if not one.needed and not one.ok)


def check_store(url: StoreURL) -> StoreReport:
    """Try what safe writing needs below ``<url>/.voxlake/selftest`` and remove it again.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached or does not answer in time.
    StoreReadOnlyError
        If it refuses writes.
    StoreFullError
        If it has no space.
    """
    place = url / ".voxlake" / "selftest" / uuid4().hex
    write(place / "reachable", b"")
    try:
        needed = [_judge(name, trial, place) for name, trial in _trials_of(url)]
        offers = OFFERS if url.scheme == "s3" else ()
        more = [replace(_judge(name, trial, place), needed=False) for name, trial in offers]
        capabilities = (*needed, *more)
    finally:
        _clean(url, place)
    return StoreReport(str(url), capabilities)


def require_multi_writer(report: StoreReport) -> None:
    """Refuse a store on which writers could destroy one another's voxels.

    Raises
    ------
    StoreUnfitError
        If any capability failed: names the store, and each failure with its reason.
    """
    if report.failed:
        reasons = "; ".join(f"{one.name}: {one.text}" for one in report.failed)
        raise StoreUnfitError(
            f"store {report.url} is not fit for several writers ({reasons}); use another store"
        )


def _trials_of(url: StoreURL) -> Iterator[tuple[str, Callable[[StoreURL], str]]]:
    """Yield what is tried; not what TensorStore does where it does not speak to the store."""
    tried = is_in_tensorstore(url)
    yield from (each for each in _TRIALS if tried or each[0] not in _BY_TENSORSTORE)
    yield from _LOCAL_TRIALS if url.is_local else _REMOTE_TRIALS


def _judge(name: str, trial: Callable[[StoreURL], str], place: StoreURL) -> Capability:
    try:
        return Capability(name, ok=True, text=trial(place))
    except (StoreUnavailableError, StoreReadOnlyError, StoreFullError):
        raise
    except (BrokenPromiseError, StoreError) as error:
        return Capability(name, ok=False, text=str(error))


def _try_create(place: StoreURL) -> str:
    create(place / "create", b"first")
    try:
        create(place / "create", b"second")
    except ObjectExistsError:
        return "a second create-if-absent fails"
    raise BrokenPromiseError("a second create-if-absent overwrote the object")


def _try_conditional_create(place: StoreURL) -> str:
    store = _open(place)
    missing = _wait(place, store.read("conditional-create")).stamp.generation
    if not _write_if(store, place, "conditional-create", b"first", missing):
        raise BrokenPromiseError("a conditional create failed though there was no object")
    if _write_if(store, place, "conditional-create", b"second", missing):
        raise BrokenPromiseError("a second conditional create overwrote the object")
    return "a second conditional create fails"


def _try_conditional_write(place: StoreURL) -> str:
    store = _open(place)
    old = _wait(place, store.write("conditional-write", b"old")).generation
    if not _write_if(store, place, "conditional-write", b"new", old):
        raise BrokenPromiseError("a conditional write failed though nothing had changed")
    if _write_if(store, place, "conditional-write", b"stale", old):
        raise BrokenPromiseError("a stale conditional write overwrote a newer object")
    if _wait(place, store.read("conditional-write")).value != b"new":
        raise BrokenPromiseError("a refused conditional write changed the object")
    return "a stale conditional write fails"


def _try_etag_write(place: StoreURL) -> str:
    old = write(place / "etag-write", b"old")
    if not _put_if(place / "etag-write", b"new", old):
        raise BrokenPromiseError("a write with the current ETag failed")
    if _put_if(place / "etag-write", b"stale", old):
        raise BrokenPromiseError("a write with a stale ETag overwrote a newer object")
    return "a write with a stale ETag fails"


def _try_lock(place: StoreURL) -> str:
    write(place / "lock", b"")
    with store_failures("lock", place):
        lock = FileLock((place / "lock").path)
        try:
            FileLock((place / "lock").path, wait=False).release()
        except BlockingIOError:
            return "a second lock of a file has to wait"
        finally:
            lock.release()
    raise BrokenPromiseError("two locks of one file were given at the same time")


def _try_ranges(place: StoreURL) -> str:
    url = place / "ranges"
    write(url, _BODY)
    for start, stop in _RANGES:
        # obstore takes nothing but 206 with the right Content-Range for an answer.
        _expect(read_range(url, start, stop), start, stop)
    if url.is_bucket:
        _expect(bytes(in_background(partial(ask_end, url, 16))[1]), 240, 256)
    if is_in_tensorstore(url):
        _read_ranges(place)
    return "ranges are answered exactly"


def _read_ranges(place: StoreURL) -> None:
    store = _open(place)
    for start, stop in _RANGES:
        part = _wait(place, store.read("ranges", byte_range=slice(start, stop)))
        _expect(part.value, start, stop)
    # Shards of others keep their index at the end and are read from there.
    _expect(_wait(place, store.read("ranges", byte_range=slice(-16, None))).value, 240, 256)


def _try_one_etag(place: StoreURL) -> str:
    url = place / "one-etag"
    put = write(url, _BODY)
    [listed] = [info.etag for info in walk(place) if info.url == url]
    told = {"PUT": put, "HEAD": head(url).etag, "GET": read(url).etag, "a listing": listed}
    if len(set(told.values())) > 1:
        said = ", ".join(f"{etag} by {who}" for who, etag in told.items())
        raise BrokenPromiseError(f"one object has several ETags: {said}")
    return "all requests tell one ETag"


def _try_conditional_read(place: StoreURL) -> str:
    url = place / "conditional-read"
    old = write(url, b"old")
    write(url, b"new")
    with suppress(ConflictError):
        in_background(partial(ask_parts, ObjectInfo(url, 3, old), [(0, 3)]))
        raise BrokenPromiseError("a read on a stale ETag was answered")
    return "a read on a stale ETag fails"


def _try_listing(place: StoreURL) -> str:
    folder = place / "listing"
    for number in range(3):
        write(folder / str(number), b"")
        if list_children(folder) != ([], [str(each) for each in range(number + 1)]):
            raise BrokenPromiseError("an object is not listed after it was written")
    delete(folder / "1")
    if list_children(folder) != ([], ["0", "2"]):
        raise BrokenPromiseError("an object is listed after it was deleted")
    delete_tree(folder)
    if left := [str(info.url) for info in walk(folder)]:
        raise BrokenPromiseError(f"{left} are there after they were deleted together")
    return "what is written is listed, and what is deleted is not"


_TRIALS: tuple[tuple[str, Callable[[StoreURL], str]], ...] = (
    ("create-if-absent", _try_create),
    ("conditional-create", _try_conditional_create),
    ("conditional-write", _try_conditional_write),
    ("ranges", _try_ranges),
    ("listing", _try_listing),
)
_BY_TENSORSTORE = {"conditional-create", "conditional-write"}
_RANGES = ((0, 1), (100, 164), (255, 256))
_LOCAL_TRIALS = (("locks", _try_lock),)
_REMOTE_TRIALS = (
    ("etag-write", _try_etag_write),
    ("conditional-read", _try_conditional_read),
    ("one-etag", _try_one_etag),
)


def _expect(part: bytes, start: int, stop: int) -> None:
    if part != _BODY[start:stop]:
        raise BrokenPromiseError(
            f"bytes [{start}, {stop}) were asked for and {len(part)} others came"
        )


def _open(place: StoreURL) -> ts.KvStore:
    return _wait(place, ts.KvStore.open(as_tensorstore(place)))


def _wait[T](place: StoreURL, future: ts.Future[T]) -> T:
    limit = 2 * prepare_process().store_stall_timeout_s
    try:
        return future.result(timeout=limit)
    except TimeoutError as error:
        raise StoreUnavailableError(
            f"{place} did not answer within {limit:g} s; check that the store is well"
        ) from error
    except (ValueError, OSError) as error:
        raise explain_text("write", place, error) from error


def _write_if(store: ts.KvStore, place: StoreURL, key: str, body: bytes, generation: bytes) -> bool:
    """Write if the object is of that generation; tell whether it was (else none comes back)."""
    written = _wait(place, store.write(key, body, if_equal=generation)).generation
    # A request that was sent again, because its answer was lost, is refused over its own work.
    return bool(written) or _wait(place, store.read(key)).value == body


def _put_if(url: StoreURL, body: bytes, etag: str) -> bool:
    try:
        overwrite(url, body, etag)
    except ConflictError:
        return read(url).body == body  # as in `_write_if`
    return True


def _clean(url: StoreURL, place: StoreURL) -> None:
    """Remove what was tried; where that fails too, the trial's own error says more."""
    with suppress(StoreError):
        delete_tree(place)
    if url.is_local:
        with suppress(OSError):
            # Folders of the test alone: those that hold anything else stay.
            place.path.parent.rmdir()
            place.path.parent.parent.rmdir()
