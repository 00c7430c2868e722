"""What a box has of one shard: put together of its chunks, all of one state of its object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.reading.decoded import DecodedChunk
from voxlake.ngff.reading.decoding import Decoding, shares_of
from voxlake.ngff.shards.format import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.ngff.reading.box_reading import BoxReading
    from voxlake.ngff.reading.decoded import DecodedChunks
    from voxlake.ngff.reading.pieces import Numbers, Pieces
    from voxlake.ngff.reading.reading import Work
    from voxlake.ngff.shards.index_cache import Entries
    from voxlake.platform.store import ObjectInfo, RangeReader


@dataclass(frozen=True, slots=True, eq=False)
class ShardPart:
    """A state of a shard, of which voxels of a box are read."""

    reading: BoxReading
    info: ObjectInfo
    entries: Entries
    kept: DecodedChunks | None
    """Where decoded chunks of it are kept; None if they are not."""

    @property
    def state(self) -> str:
        """Tells this state from all others, of this shard and others."""
        url = self.info.url
        return f"{url.scheme} {url.endpoint} {url.root}/{url.key} {self.info.etag}"

    def put_known(self, pieces: Pieces) -> Pieces:
        """Put in what need not be read: fill, and chunks that are kept; return the other pieces."""
        chunks = self._known(pieces.chunks)
        if all(chunk is None for chunk in chunks):
            return pieces
        known = np.array([chunk is not None for chunk in chunks], np.bool_)
        self.reading.put([chunk for chunk in chunks if chunk is not None], pieces.where(known))
        return pieces.where(~known)

    def ranges(self, pieces: Pieces) -> list[tuple[int, int]]:
        """Return where the chunks of pieces lie in the shard: ``[start, stop)`` of each."""
        return [(at, at + size) for at, size in self.entries[pieces.chunks].tolist()]

    def works(self, pieces: Pieces, source: RangeReader | Sequence[memoryview]) -> list[Work]:
        """Return the works that put in pieces: of chunks in a file, or of one payload for each.

        They are the last that is read of the shard: its voxels are of this state.
        """
        self.reading.states.add(self.info.etag)
        if not len(pieces.chunks):
            return []
        decoding = Decoding.of(self, pieces, source)
        shares = shares_of(len(pieces.chunks), self.reading.coding.chunk_bytes)
        return [partial(decoding.put, *share) for share in shares]

    def _known(self, numbers: Numbers) -> list[DecodedChunk | None]:
        absent = (self.entries[numbers, 0] == ABSENT).tolist()
        coding, kept, fill = self.reading.coding, self.kept, None
        if any(absent):
            fill = DecodedChunk.of(np.full(coding.chunk, coding.fill, coding.dtype))
        if kept is None:
            return [fill if is_absent else None for is_absent in absent]
        state = self.state
        return [
            fill if is_absent else kept.peek((state, number))
            for number, is_absent in zip(numbers.tolist(), absent, strict=True)
        ]
