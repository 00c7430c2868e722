"""Shards that are written as a stream of encoded chunks, and appear at once.

For the one owner of a shard who makes its voxels band by band: what is held in memory is a band
and never the shard. Chunks that come before their turn, by C order, wait for it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.grid.pyramid import coarser_box
from voxlake.ngff.shards.format import shard_format
from voxlake.ngff.shards.storing import always, clear_shard, turn_to_store
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import GrowingObject


SYNC_BYTES = 16 << 20
"""Bytes that are put before they begin to be synced, while others are computed."""


@dataclass(slots=True)
class ShardStream:
    """One shard in the making; one thread at a time may use it."""

    volume: Volume
    cell: tuple[int, ...]
    box: Box
    """Voxels of the whole shard; it may stick out of the volume."""
    known: str | None
    """The state that it must be in when it is stored; None: whatever it is in."""
    check: Callable[[], None]
    """Raises if it may not be stored any more."""
    _coding: ShardFormat
    _turns: deque[int]
    """Numbers of the chunks still to come, in order."""
    _sizes: npt.NDArray[np.uint64]
    _hash: Any
    """Of what was put, as hashlib has it; None if nobody asks for it."""
    _early: dict[int, Payload | None] = field(default_factory=dict)
    """Chunks that wait for their turn, by number."""
    _object: GrowingObject | None = None
    _syncing: int = 0
    """Size up to which it was asked to reach the disk."""

    @property
    def content(self) -> str:
        """SHA-256 of the object once it is closed; empty if it was not asked for.

        Empty, too, if it has its index first, which is known last.
        """
        return "" if self._hash is None else str(self._hash.hexdigest())

    def put(self, box: Box, payloads: Sequence[Payload | None]) -> None:
        """Append the payloads of the chunks of `box`, in C order; None for chunks of only fill.

        `box` begins on the chunk grid and lies within the shard.
        """
        numbers = self._coding.numbers(box.within(self.box)).tolist()
        self._early.update(zip(numbers, payloads, strict=True))
        stored = []
        while self._turns and self._turns[0] in self._early:
            number = self._turns.popleft()
            payload = self._early.pop(number)
            if payload is not None:
                self._sizes[number] = len(payload)
                stored.append(payload)
        if stored:
            self._append(stored)

    def _append(self, stored: list[Payload]) -> None:
        if self._object is None:
            self._object = store.grow(self.volume.shard_url(self.cell))
            if self._coding.index_first:
                self._object.append([bytes(self._coding.index_bytes)])
        self._object.append(stored)
        self._take(stored)
        if self._object.size > self._syncing + SYNC_BYTES:
            self._object.begin_sync()
            self._syncing = self._object.size

    def close(self) -> str | None:
        """Make the shard appear and return its ETag; None if it is all fill and so not stored.

        Raises
        ------
        ValueError
            If chunks of it were not put.
        ConflictError
            If the shard is in another state than it must be: others have written to it.
        """
        if self._turns:
            raise ValueError(f"{self.box}: {len(self._turns)} chunks were not put")
        if self._object is None:
            return clear_shard(self.volume, self.cell, self.known, self.check)
        head, index = b"", self._coding.encode_index(self._coding.placed(self._sizes))
        if self._coding.index_first:
            head = index
        else:
            self._object.append([index])
            self._take([index])
        turn = turn_to_store(self.volume, self.cell, self.known, self.check)
        return self._object.commit(head, turn)

    def _take(self, pieces: Sequence[Payload | bytes]) -> None:
        for piece in () if self._hash is None else pieces:
            self._hash.update(piece)

    def discard(self) -> None:
        """Drop all that was put; what is stored stays as it is."""
        if self._object is not None:
            self._object.discard()


def stream_shard(
    volume: Volume,
    cell: tuple[int, ...],
    known: str | None = None,
    check: Callable[[], None] = always,
    *,
    hashed: bool = False,
) -> ShardStream:
    """Begin the shard at `cell` of the write grid of `volume`.

    `known` and `check` say when it may be stored (see `turn_to_store`), and `hashed` whether its
    `content` is wanted.

    Raises
    ------
    UnsupportedError
        If the volume is coded in another way than voxlake writes.
    """
    coding, box = shard_format(volume), cell_box(cell, volume.shard)
    turns = deque(coding.numbers(volume.shard_box(cell).within(box)).tolist())
    sizes = np.zeros(math.prod(coding.grid), np.uint64)
    hash_ = sha256() if hashed and not coding.index_first else None
    return ShardStream(volume, cell, box, known, check, coding, turns, sizes, hash_)


def cut_at_shards(
    box: Box, payloads: Sequence[Payload | None], coding: ShardFormat
) -> list[tuple[tuple[int, ...], Box, list[Payload | None]]]:
    """Sort the payloads of the chunks of `box` by shard: (cell, its part of the box, payloads).

    All in C order.
    """
    chunks = coarser_box(box, coding.chunk)
    numbers = np.arange(len(payloads)).reshape(chunks.shape)
    found = []
    for cell in box.cells(coding.shard):
        part = cell_box(cell, coding.shard) & box
        window = coarser_box(part, coding.chunk).within(chunks).slices
        found.append((cell, part, [payloads[i] for i in numbers[window].ravel().tolist()]))
    return found
