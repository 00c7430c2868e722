"""Reserving ids: blocks that no two processes are ever given, whatever happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator
from ulid import ULID

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.mapping.mapping import open_mapping
from voxlake.ngff.labels.objects.manifest import newest_manifest
from voxlake.ngff.labels.objects.reading import objects_url
from voxlake.ngff.labels.state import IndexState, ask_in_force, ask_shards
from voxlake.ngff.versioned import numbered
from voxlake.ngff.versioned.contention import until_first
from voxlake.ngff.versioned.document import Document, Form, create
from voxlake.ngff.versioned.numbered import numbered_url
from voxlake.platform.errors import InvalidInputError, LimitExceededError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from voxlake.ngff.labels.handle import Labels
    from voxlake.platform.store import StoreURL


class Block(Document):
    """A reserved block of ids: ``ids/<20 digits>.json``, the digits being `first`.

    Blocks follow one another without a gap, so that of two that would overlap one fails.
    """

    first: int
    """The stop of the block before: 1 if there is none."""
    stop: int
    """One past its last id."""
    by: str
    """For whom it was reserved."""
    ulid: str
    """By which its maker knows it again."""

    @model_validator(mode="after")
    def _has_ids(self) -> Self:
        if self.stop <= self.first:
            raise ValueError(f"a block from {self.first} to {self.stop} has no ids")
        return self


BLOCKS = Form(Block, "restore it, or write a stop above all ids")


def reserve(labels: Labels, count: int, by: str = "") -> range:
    """Return `count` ids in a row that nothing has and that nobody else is ever given.

    They are above every label that voxels have at any time point (those that other programs wrote,
    once they are audited), every supervoxel and body of the mapping, every object, and every id
    that was reserved. Ids of a process that dies before it uses them stay unused.

    Raises
    ------
    InvalidInputError
        If `count` is less than 1.
    LimitExceededError
        If there are not so many ids up to 2^64 - 1 above those in use.
    ConflictError
        If others reserve so often that this process is never first.
    """
    if count < 1:
        raise InvalidInputError(f"{count} ids were asked for; ask for 1 or more")
    whole = labels.whole
    of_times = in_parallel(lambda each: ask_in_force(each, _largest), list(whole.each_time()))
    largest = max(*of_times, _largest_named(whole.index_url))
    return until_first(
        lambda: _next_block(whole.index_url, count, largest, by),
        f"the reserved ids of {whole.index_url}",
    )


def _largest(state: IndexState) -> int:
    """Return the largest label that any voxel may have; 0 if none has one."""
    largest = [file.last for segment in state.segments for file in segment.files]
    largest += [
        int(rows.labels.max()) for rows in ask_shards(state, lambda all_: all_) if len(rows)
    ]
    return max(largest, default=0)


def _largest_named(index_url: StoreURL) -> int:
    """Return the largest id of the mapping and of objects; 0 if there is none."""
    pairs = open_mapping(index_url).pairs
    objects = newest_manifest(objects_url(index_url)).document.segments
    named = [int(column.max()) for column in (pairs.supervoxels, pairs.bodies) if len(column)]
    return max([*named, *(segment.last for segment in objects)], default=0)


def _next_block(index_url: StoreURL, count: int, largest: int, by: str) -> range | None:
    """Reserve ids above `largest` and the newest block; None if another process was first."""
    before = numbered.newest(BLOCKS, index_url / "ids")
    first = before.document.stop if before else 1
    stop = max(first, largest + 1) + count
    if stop > MAX_LABEL + 1:
        raise LimitExceededError(
            f"{count} ids were asked for above {stop - count - 1}, the largest in use; ids end "
            f"at {MAX_LABEL}: choose unused ones below it"
        )
    block = Block(first=first, stop=stop, by=by, ulid=str(ULID()))
    created = create(BLOCKS, numbered_url(index_url / "ids", first), block)
    return range(stop - count, stop) if created else None
