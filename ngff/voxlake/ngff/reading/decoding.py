"""Decode chunks of a shard and put pieces of them in: shares of them, by several threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.memory.reuse import reused
from voxlake.ngff.reading.decoded import DecodedChunk
from voxlake.ngff.reading.libzstd import libzstd
from voxlake.ngff.reading.reading import most_threads
from voxlake.platform.deadline import check_deadline
from voxlake.platform.errors import CorruptDataError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.reading.pieces import Numbers, Pieces
    from voxlake.ngff.reading.shard import ShardPart
    from voxlake.platform.store import RangeReader

_MOST_REUSED = 16 << 20
"""Memory above this is not kept by a thread for its next chunk."""

_SHARE_BYTES = 4 << 20
"""Chunks that are decoded in one go: while it lasts the deadline is not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoding:
    """Pieces to put in, and the chunks that they are of as they are stored."""

    part: ShardPart
    numbers: Numbers
    """(n,) of the chunks."""
    stored: Numbers
    """(n, 2) place and size of each, in the file or in memory."""
    opened: RangeReader | None
    """The file, if they are not in memory."""
    payloads: Sequence[npt.NDArray[np.uint8]]
    """Their memory, if they are."""
    room: Numbers
    """(n,) address of the piece, if a chunk can be decoded to where it goes; else 0."""
    pieces: tuple[Any, ...]
    """Where they begin in chunks and go to, and more: what the kernel is given of them."""

    @classmethod
    def of(
        cls, part: ShardPart, pieces: Pieces, source: RangeReader | Sequence[memoryview]
    ) -> Decoding:
        """Return the decoding of chunks in a file, or of one payload for each."""
        reading, coding = part.reading, part.reading.coding
        payloads: list[npt.NDArray[np.uint8]] = []
        if isinstance(source, Sequence):
            payloads = [np.frombuffer(body, np.uint8) for body in source]
            stored = np.array([(body.ctypes.data, body.size) for body in payloads], np.int64)
        else:
            stored = part.entries[pieces.chunks].astype(np.int64)
        places = pieces.places + reading.address
        room = np.zeros(len(places), np.int64)
        if part.kept is None and (reading.steps[:2] == reading.steps[2:]).all():
            whole = (pieces.extents == (*coding.chunk[-3:-1], coding.row_bytes)).all(axis=1)
            room[whole] = places[whole]
        moved = pieces.inside, places, pieces.extents, reading.steps, coding.chunk_bytes
        opened = None if isinstance(source, Sequence) else source
        return cls(part, pieces.chunks, stored, opened, payloads, room, moved)

    def put(self, start: int, stop: int) -> None:
        """Put in the pieces from `start` to `stop`.

        Raises
        ------
        CorruptDataError, StoreError
            If a chunk of them does not decode, or cannot be read.
        """
        # Imports the compiler, which nobody needs who moves no voxels.
        from voxlake.ngff.reading.kernel import UNREAD

        check_deadline()
        done, said = self._decode(start, stop)
        if done == stop:
            return
        if said == UNREAD and self.opened is not None:
            raise self._unread(self.opened, *self.stored[done].tolist())
        raise CorruptDataError(
            f"a chunk of {self.part.info.url} is damaged ({libzstd().error(said)}); restore it"
        )

    def _decode(self, start: int, stop: int) -> tuple[int, int]:
        """Return how far it came, and what was said of the chunk there."""
        # Imports the compiler, which nobody needs who moves no voxels.
        from voxlake.ngff.reading.kernel import decode_pieces

        coding, kept, chunks = self.part.reading.coding, self.part.kept, list[DecodedChunk]()
        if kept is not None:
            empty = (np.empty(coding.chunk, coding.dtype) for _ in range(start, stop))
            chunks = [DecodedChunk.of(voxels) for voxels in empty]
            self.room[start:stop] = [chunk.address for chunk in chunks]
        file = -1 if self.opened is None or self.opened.file is None else self.opened.file
        payload = _memory("payload", 0 if file < 0 else int(self.stored[start:stop, 1].max()))
        chunk = _memory("chunk", 0 if chunks else coding.chunk_bytes)
        rooms = payload.ctypes.data, chunk.ctypes.data
        wanted = start, stop
        moved = self.room, *self.pieces
        done, said = decode_pieces(file, rooms, libzstd().context, self.stored, moved, wanted)
        if kept is not None:
            state, some = self.part.state, self.numbers[start:done].tolist()
            for number, decoded in zip(some, chunks, strict=False):
                kept.put((state, number), decoded, coding.chunk_bytes)
        return done, said

    def _unread(self, opened: RangeReader, start: int, size: int) -> Exception:
        """Return why a file did not give what it was asked for."""
        if len(opened.read(start, start + size)) < size:
            return CorruptDataError(f"{opened.url} became shorter while it was read; restore it")
        return StoreError(f"cannot read {opened.url}: it gave less than it has; try again")


def shares_of(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield how `count` chunks of `size` bytes are shared out: from, to. The last are small.

    Examples
    --------
    >>> [stop - start for start, stop in shares_of(1000, 1 << 20)][-3:]
    [1, 1, 1]
    """
    start, most = 0, max(1, _SHARE_BYTES // size)
    while start < count:
        fair = -(-2 * (count - start) // (3 * most_threads()))
        stop = min(count, start + min(most, fair))
        yield start, stop
        start = stop


def _memory(purpose: str, size: int) -> npt.NDArray[np.uint8]:
    """Return memory that is good until this thread asks again."""
    byte = np.dtype(np.uint8)
    return reused(purpose, (size,), byte) if size <= _MOST_REUSED else np.empty(size, byte)
