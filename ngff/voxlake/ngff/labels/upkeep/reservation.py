"""Reserving ids: blocks that no two processes are ever given, whatever happens to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError
from ulid import ULID

from voxlake.ngff.labels.queries.extent import MAX_LABEL
from voxlake.ngff.labels.view import View, ask_in_force, ask_shards
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    InvalidInputError,
    LimitExceededError,
    ObjectExistsError,
)

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

ATTEMPTS = 100
"""Times that a reservation begins again because another one was first."""

_NAME = re.compile(r"(\d{20})\.json")


class Block(BaseModel):
    """A reserved block of ids: ``ids/<20 digits>.json``, the digits being `first`.

    Blocks follow one another without a gap, so that of two that would overlap one fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    """The stop of the block before: 1 if there is none."""
    stop: int
    """One past its last id."""
    by: str
    """For whom it was reserved."""
    ulid: str
    """By which its maker knows it again."""


def reserve(volume: Volume, index_url: StoreURL, count: int, by: str = "") -> range:
    """Return `count` ids in a row that no voxel has and that nobody else is ever given.

    They are above every label there is and every id that was reserved. Ids of a process that dies
    before it uses them stay unused.

    Raises
    ------
    InvalidInputError
        If `count` is less than 1.
    LimitExceededError
        If there are not so many ids up to 2^64 - 1 above those in use.
    ConflictError
        If others reserve so often that this process is never first.
    CorruptDataError, StoreError
        If the index or the newest block is damaged, or the store fails.
    """
    if count < 1:
        raise InvalidInputError(f"{count} ids were asked for; ask for 1 or more")
    largest = ask_in_force(volume, index_url, _largest)
    for _ in range(ATTEMPTS):
        first = _next(index_url)
        stop = max(first, largest + 1) + count
        if stop > MAX_LABEL + 1:
            raise LimitExceededError(
                f"{count} ids were asked for above {stop - count - 1}, the largest in use; ids end "
                f"at {MAX_LABEL}: choose unused ones below it"
            )
        if _create(index_url, Block(first=first, stop=stop, by=by, ulid=str(ULID()))):
            return range(stop - count, stop)
    raise ConflictError(f"others reserved ids of {index_url} {ATTEMPTS} times meanwhile; try again")


def _largest(view: View) -> int:
    """Return the largest label that any voxel may have; 0 if none has one."""
    segments = view.manifest.segments if view.manifest else ()
    found = [part.last for segment in segments for part in segment.parts]
    found += [int(rows.labels.max()) for rows in ask_shards(view, lambda all_: all_) if len(rows)]
    return max(found, default=0)


def _next(index_url: StoreURL) -> int:
    """Return where the next block begins."""
    _, names = store.list_children(index_url / "ids")
    firsts = [int(match[1]) for name in names if (match := _NAME.fullmatch(name))]
    return _read(index_url, max(firsts)).stop if firsts else 1


def _create(index_url: StoreURL, block: Block) -> bool:
    try:
        store.create(_url(index_url, block.first), block.model_dump_json().encode())
    except ObjectExistsError:
        # A request that was sent twice, because the first answer was lost, finds its own.
        return _read(index_url, block.first) == block
    return True


def _read(index_url: StoreURL, first: int) -> Block:
    url = _url(index_url, first)
    try:
        block = Block.model_validate_json(store.read(url).body)
    except ValidationError as error:
        raise _damaged(url) from error
    if block.first != first or block.stop <= first:
        raise _damaged(url)
    return block


def _url(index_url: StoreURL, first: int) -> StoreURL:
    return index_url / "ids" / f"{first:020}.json"


def _damaged(url: StoreURL) -> CorruptDataError:
    return CorruptDataError(
        f"the block of reserved ids {url} is damaged; restore it, or write a stop above all ids"
    )
