"""Answers that are asked for, and what TensorStore says in words of those that it cannot give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from voxlake.platform.deadline import Waitable, wait_for
from voxlake.platform.errors import (
    CorruptDataError,
    MetadataError,
    NotFoundError,
    StoreError,
    UnsupportedError,
    VoxlakeError,
)
from voxlake.platform.store.failures import explain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from voxlake.ngff.codecs.blosc_heads import Head
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

# Decoders fail with these codes; the file system and S3 use some of them too, and then say so.
_DAMAGED = {"DATA_LOSS", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "OUT_OF_RANGE"}
_FAILED = re.compile(r"OS error|http_response_code")
_ANNOTATIONS = re.compile(r" \[\w+='")
_CUT_OFF = "was not satisfied by response"
_WHOLE = re.compile(r"byte range \[\d+, (\d+)\) and total size \1\b")
"""Said of an answer to the end of an object: that is too short, and the answer was not cut off."""
_OF_SHARD, _ENTRY = re.compile("shard index|Existing shard"), re.compile(r"shard entry [^\"]* in")
_NO_ARRAY = 'Expected "array", but received: "group"'
_UNCLEAR = "driver: Dimension label(s)"
_UNKNOWN = re.compile(r"[^:]* is not (registered|one of the supported[^:]*)")


class Answer[T](Waitable[T], Protocol):
    """An answer to come, of TensorStore or of our own threads, which a coroutine may await."""

    def __await__(self) -> Generator[Any, None, T]:
        """Return the answer."""
        ...


type Ask[T] = Callable[[], Answer[T]]


class Pending[T]:
    """An answer to come: ``.result()`` waits for it, ``await`` does in a coroutine.

    Its failures are voxlake's errors. It is asked for at once, or where
    there are `heads` of chunks to look at before, when it is waited for. An answer that `doubts`
    anything is stored is given only if the array is there after it, and so not being deleted.
    """

    def __init__(
        self,
        ask: Ask[T],
        action: str,
        volume: Volume,
        heads: Sequence[Head] = (),
        doubts: Callable[[T], bool] = lambda _: False,
    ) -> None:
        self._ask, self._action, self._volume = ask, action, volume
        self._heads, self._doubts = heads, doubts
        self._future = None if heads else ask()

    def result(self) -> T:
        """Wait for the answer; raises CorruptDataError or StoreError if there is none."""
        try:
            for head in self._heads:
                head.wait()
            answer = wait_for(self._future or self._ask())
        except VoxlakeError:
            raise
        except (ValueError, OSError) as error:
            raise explain(self._action, self._volume.url, error) from error
        if self._doubts(answer):
            self._volume.check_there()
        return answer

    def __await__(self) -> Generator[Any, None, T]:
        try:
            for head in self._heads:
                head.check((yield from head.answer.__await__()))
            answer = yield from (self._future or self._ask()).__await__()
        except VoxlakeError:
            raise
        except (ValueError, OSError) as error:
            raise explain(self._action, self._volume.url, error) from error
        if self._doubts(answer):
            yield from self._volume.ask_there()
        return answer


def explain(action: str, url: StoreURL, error: Exception) -> VoxlakeError:
    """Return our error for what TensorStore says only in words: a status code and a message."""
    message = _ANNOTATIONS.split(str(error))[0]
    if _OF_SHARD.search(message):
        message = _ENTRY.sub("shard in", message)  # by chance, the chunk that was asked for first
    code = message.partition(":")[0]
    if code == "NOT_FOUND" or _NO_ARRAY in message:
        return NotFoundError(f"{url} is no zarr array; check the address and the level")
    if action == "open" and (unknown := _UNKNOWN.search(message)):
        return UnsupportedError(f"cannot open {url}: {unknown[0].strip()}")
    if action == "open" and _UNCLEAR in message:
        return CorruptDataError(f"cannot open {url}: {message.partition(_UNCLEAR)[2]}; restore it")
    if _CUT_OFF in message and not _WHOLE.search(message):
        return StoreError(f"cannot {action} {url}: an answer was cut off ({message}); try again")
    if code in _DAMAGED and not _FAILED.search(str(error)):
        kind = MetadataError if action == "open" else CorruptDataError
        return kind(f"cannot {action} {url}: stored bytes are damaged ({message})")
    return explain_text(action, url, error)
