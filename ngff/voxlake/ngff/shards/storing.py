"""Store a whole shard on the state that its writer knows of, or not at all.

Bulk writers make shards for minutes, and may sleep meanwhile: a laptop that is closed, a machine
that is paused. What others wrote to a shard since it was looked at is not theirs to replace.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.ngff.shards.format import find_shard_format
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.ngff.volume import Volume


def look_at_shard(volume: Volume, cell: tuple[int, ...]) -> str:
    """Return the state of a shard: the ETag of its object; empty if none is stored.

    As a condition of writes: see `store.state_of`.
    """
    return store.state_of(volume.shard_url(cell))


def state_of_shard(volume: Volume, cell: tuple[int, ...]) -> str:
    """Return the state of a shard as `look_at_shard`, to go by it if none is stored."""
    try:
        return store.head(volume.shard_url(cell)).etag
    except ObjectNotFoundError:
        return ""


@contextmanager
def turn_to_store(
    volume: Volume, cell: tuple[int, ...], known: str | None, check: Callable[[], None]
) -> Iterator[str]:
    """Yield the state that a shard must be in when it is stored, in a ``with`` block, soon.

    On a local store the shard is locked meanwhile, so nothing that takes long is done in it: a
    process that is stopped there holds up all that write to the shard.

    Parameters
    ----------
    known
        The state it must be in (see `look_at_shard`); None: whatever it is in by now.
    check
        Raises if the writer has lost the right to write meanwhile.
    """
    with volume.locked(volume.shard_box(cell)):
        state = look_at_shard(volume, cell) if known is None else known
        check()
        yield state


def clear_shard(
    volume: Volume, cell: tuple[int, ...], known: str | None, check: Callable[[], None]
) -> str | None:
    """Let a shard be all fill; return its ETag, None if nothing is stored then.

    Where a DELETE takes no condition, an object without chunks is stored. Parameters are those of
    `turn_to_store`.

    Raises
    ------
    ConflictError
        If it is in another state than is `known`: others have written to it.
    """
    with volume.locked(volume.shard_box(cell)):
        state, url = state_of_shard(volume, cell), volume.shard_url(cell)
        if known is not None and state != known:
            raise ConflictError(f"{url} has changed since it was looked at; look again")
        if not state:
            return None
        check()
        coding = find_shard_format(volume)
        if volume.url.is_local or coding is None:
            store.delete(url)
            return None
        return store.replace(url, coding.assembled([None] * math.prod(coding.grid)), state)


def always() -> None:
    """Let the writer write."""
