"""Change part of a shard: only the chunks that change are decoded, and encoded again.

The object is stored on the very state that it was made of, so that other writers of the shard lose
nothing: conditionally on S3, under the shard's lock on a local store.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.shards.chunk_codec import decode_chunks, encode_chunks
from voxlake.ngff.shards.format import ABSENT, shard_format
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, PreconditionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.volume import Volume

    type Voxels = npt.NDArray[Any]

PART_BYTES = 16 << 20
"""Voxels that are decoded at a time, about: they are in memory up to four times."""

TRIES = 100
"""How often a shard on S3 is read again because others wrote to it, until that is an error."""


class Blend(Protocol):
    """Puts voxels over those that are there."""

    def __call__(self, stored: Voxels, new: Voxels, /) -> None:
        """Change `stored` in place; both have one shape."""
        ...


def overwrite(stored: Voxels, new: Voxels) -> None:
    """Put all `new` voxels in the place of those that are stored."""
    stored[...] = new


def keep_where_zero(stored: Voxels, new: Voxels) -> None:
    """Put those of the `new` voxels that are not 0 in the place of those that are stored."""
    np.copyto(stored, new, where=new != 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What to change, and to what."""

    box: Box
    voxels: Voxels
    blend: Blend = overwrite
    """What becomes of a voxel that is stored, and one that comes."""


@dataclass(frozen=True, slots=True)
class Spliced[T]:
    """A shard in which some chunks changed."""

    before: str
    """ETag of the object that it was made of; empty if none was stored."""
    etag: str
    """ETag of the object that is stored by now; empty if there is none."""
    body: bytes = field(repr=False)
    """Its bytes."""
    parts: tuple[T | None, ...] = field(repr=False)
    """What was noted of boxes of whole chunks among which all that changed are; none overlap."""


def nothing_more(_spliced: Spliced[object]) -> None:
    """Leave it at that."""


def nothing_noted(_box: Box, _voxels: Voxels) -> None:
    """Note nothing."""


def splice_shard[T](
    volume: Volume,
    cell: tuple[int, ...],
    changes: Sequence[Change],
    known: str | None = None,
    note: Callable[[Box, Voxels], T | None] = nothing_noted,
    then: Callable[[Spliced[T]], None] = nothing_more,
) -> Spliced[T]:
    """Change voxels of one shard, all at once; returns when they are durable.

    Parameters
    ----------
    volume, cell
        The shard at `cell` of the write grid.
    changes
        What to change: their boxes lie in the shard, and no two touch the same chunk.
    known
        State that the shard must be in (`look_at_shard`); None: whatever it is in.
    note
        Called with a box of whole chunks that has changed, and its voxels, which are not kept.
    then
        Called before others may write to the shard, on a local store.

    Raises
    ------
    UnsupportedError
        If the volume is coded in another way than voxlake writes.
    PreconditionFailedError
        If the shard is in another state than `known`.
    CorruptDataError
        If a chunk that is to change in part is damaged, or the index of the shard.
    ConflictError
        If others write to the shard faster than it can be read, or its array is being deleted.
    StoreError
        If the store fails: the shard is as it was, or as it was to be.
    """
    splicing = _Splicing(shard_format(volume), volume, cell, changes, known, note)
    if volume.url.is_local:
        with volume.locked(volume.shard_box(cell)):
            spliced = splicing.run()
            then(spliced)
            return spliced
    for _ in range(TRIES):
        try:
            spliced = splicing.run()
        except _OthersWroteError:
            continue
        then(spliced)
        return spliced
    raise ConflictError(
        f"{volume.shard_url(cell)} was written by others {TRIES} times while it was changed; "
        "try again, in larger boxes"
    )


class _OthersWroteError(Exception):
    """The object is another than the one that was read."""


@dataclass(frozen=True, slots=True)
class _Splicing[T]:
    """What to do to a shard, whatever it holds."""

    coding: ShardFormat
    volume: Volume
    cell: tuple[int, ...]
    changes: Sequence[Change]
    known: str | None
    note: Callable[[Box, Voxels], T | None]

    def run(self) -> Spliced[T]:
        """Read the shard, change it, and store it on the state that it was read in."""
        url = self.volume.shard_url(self.cell)
        stored = store.read_if_there(url)
        if stored is None:
            self.volume.check_there()
        before, body = (stored.etag, stored.body) if stored else ("", b"")
        if self.known not in {None, before}:
            raise PreconditionFailedError(
                f"{url} has changed since it was looked at; read its voxels again"
            )
        payloads = _payloads(self.coding, body, str(url))
        parts = tuple(part for change in self.changes for part in self._changed(change, payloads))
        if not parts:
            return Spliced(before, before, body, ())
        if not any(payloads) and not before:
            return Spliced(before, before, body, parts)
        # One that was stored stays, if without chunks: on S3 a DELETE takes no condition.
        changed = self.coding.assembled(payloads)
        return Spliced(before, _stored(url, changed, before), changed, parts)

    def _changed(self, change: Change, payloads: list[Payload | None]) -> Iterator[T | None]:
        """Change `payloads`, some rows of chunks at a time; yield what is noted of those."""
        coding, volume = self.coding, self.volume
        whole, what = cell_box(self.cell, volume.shard), str(volume.shard_url(self.cell))
        around = change.box.aligned(volume.chunk) & volume.box
        for part in around.tiles(_rows_of_chunks(coding, whole)):
            numbers = coding.numbers(part.within(whole)).tolist()
            voxels = np.empty(part.shape, coding.dtype)
            if change.box.contains(part) and change.blend is overwrite:
                old: list[Payload | None] | None = None
            else:
                old = [payloads[number] for number in numbers]
                decode_chunks(coding, old, voxels, what)
            inner = change.box & part
            change.blend(
                voxels[inner.within(part).slices], change.voxels[inner.within(change.box).slices]
            )
            new = encode_chunks(coding, voxels)
            if new == (old or [payloads[number] for number in numbers]):
                continue
            for number, payload in zip(numbers, new, strict=True):
                payloads[number] = None if payload is None else memoryview(bytes(payload))
            yield self.note(part, voxels)


def _rows_of_chunks(coding: ShardFormat, whole: Box) -> tuple[int, ...]:
    """Return the shape of as many rows of chunks of a shard as are changed at a time."""
    row = (*coding.chunk[:-1], whole.shape[-1])
    count = max(1, PART_BYTES // (math.prod(row) * coding.dtype.itemsize))
    return (*coding.chunk[:-2], coding.chunk[-2] * count, whole.stop[-1])


def _stored(url: store.StoreURL, body: bytes, before: str) -> str:
    """Store an object on a state, and return its ETag."""
    store.check_put_size(url, len(body))
    try:
        return store.replace(url, body, before)
    except ConflictError:
        # The answer to a request that was tried again may have been lost: the bytes tell.
        stored = store.read_if_there(url)
        if stored is None or stored.body != body:
            raise _OthersWroteError from None
        return stored.etag


def _payloads(coding: ShardFormat, body: bytes, what: str) -> list[Payload | None]:
    """Return the chunks of a shard as they are stored; None for those of fill."""
    if not body:
        return [None] * math.prod(coding.grid)
    view, entries = memoryview(body), coding.entries_in(body, what).tolist()
    return [None if at == ABSENT else view[at : at + size] for at, size in entries]
