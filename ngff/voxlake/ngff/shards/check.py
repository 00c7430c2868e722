"""Check a stored shard: its index, and every chunk against its own checksum; nothing is assembled.

For the coding that voxlake writes; shards of other arrays are decoded whole, by TensorStore.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import numpy as np
import zstandard

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.shards.format import ABSENT, find_shard_format
from voxlake.ngff.shards.whole import decode_shard
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.volume import Volume

BATCH_BYTES = 16 << 20
"""Chunks are decoded so many bytes at a time, and forgotten."""

_DESCRIPTOR, _UNUSED = 4, 0b11000
"""Place of the frame header descriptor, and its bits that are 0 (RFC 8878, 3.1.1.1.1)."""


@dataclass(frozen=True, slots=True)
class ShardCheck:
    """What is wrong with one stored shard."""

    chunks: int
    """Chunks that its index says are stored; 0 if they cannot be told."""
    damage: str | None = None
    """Why voxels of it cannot be read; None if all can."""
    damaged: Box | None = None
    """The voxels of the damaged chunks, clipped to the volume, or the shard's own box."""
    slack: int = 0
    """Bytes that belong to no chunk: the rest of a torn write. They harm no voxel."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.damage is None and not self.slack


def check_shard(volume: Volume, cell: tuple[int, ...], body: bytes) -> ShardCheck:
    """Check the object of the shard at `cell` of the write grid, given all its bytes.

    Every flip of a bit and every truncation is found, but those that change no voxel.
    """
    box = volume.shard_box(cell)
    try:
        coding = find_shard_format(volume)
        if coding is None:
            decode_shard(volume, cell, body)
            return ShardCheck(0)
        return _check_coded(volume, cell, coding, body)
    except CorruptDataError as error:
        return ShardCheck(0, str(error), box)


def _check_coded(
    volume: Volume, cell: tuple[int, ...], coding: ShardFormat, body: bytes
) -> ShardCheck:
    what, start = "the shard", coding.index_start(len(body))
    entries = coding.entries_in(body, what)
    numbers = np.flatnonzero(entries[:, 0] != ABSENT)
    stored = entries[numbers].astype(np.int64)
    slack = _slack(stored, (start, coding.index_bytes), len(body), what)
    bad = list(_damaged(coding, memoryview(body), stored))
    if not bad:
        return ShardCheck(len(numbers), slack=slack)
    boxes = (_chunk_box(volume, cell, coding.grid, int(numbers[each])) for each, _ in bad)
    damaged = reduce(or_, boxes)
    text = f"{len(bad)} of {len(numbers)} chunks are damaged ({bad[0][1]})"
    return ShardCheck(len(numbers), text, damaged, slack)


def _slack(stored: npt.NDArray[np.int64], index: tuple[int, int], size: int, what: str) -> int:
    """Return how many bytes belong neither to a chunk nor to the index.

    Raises
    ------
    CorruptDataError
        If two of them overlap.
    """
    spans = np.concatenate([stored, np.array([index], np.int64)])
    spans = spans[np.argsort(spans[:, 0])]
    ends = spans.sum(axis=1)
    if (ends[:-1] > spans[1:, 0]).any():
        raise CorruptDataError(f"{what} is damaged: chunks of its index overlap")
    return size - int(spans[:, 1].sum())


def _damaged(
    coding: ShardFormat, body: memoryview, stored: npt.NDArray[np.int64]
) -> Iterator[tuple[int, str]]:
    """Yield the place in `stored` of each chunk that does not decode, and why."""
    per_batch = max(1, BATCH_BYTES // coding.chunk_bytes)
    decompressor = zstandard.ZstdDecompressor()
    for batch in itertools.batched(enumerate(stored.tolist()), per_batch):
        frames = [(number, body[at : at + size]) for number, (at, size) in batch]
        good = []
        for number, frame in frames:
            fault = _header_fault(coding, frame)
            if fault is None:
                good.append((number, frame))
            else:
                yield number, fault
        if good and _fault(decompressor, coding, [frame for _, frame in good]):
            for number, frame in good:
                fault = _fault(decompressor, coding, [frame])
                if fault is not None:
                    yield number, fault


def _header_fault(coding: ShardFormat, frame: memoryview) -> str | None:
    try:
        header = zstandard.get_frame_parameters(frame)
    except zstandard.ZstdError as error:
        return str(error)
    if header.content_size != coding.chunk_bytes:
        return f"it claims {header.content_size} bytes and should have {coding.chunk_bytes}"
    if (coding.zstd_checksum and not header.has_checksum) or frame[_DESCRIPTOR] & _UNUSED:
        return "its header is not one that is written"
    return None


def _fault(
    decompressor: zstandard.ZstdDecompressor, coding: ShardFormat, frames: list[memoryview]
) -> str | None:
    sizes = np.full(len(frames), coding.chunk_bytes, np.uint64).tobytes()
    try:
        decompressor.multi_decompress_to_buffer([*frames], decompressed_sizes=sizes)
    except zstandard.ZstdError as error:
        return str(error).rpartition(": ")[2]
    return None


def _chunk_box(volume: Volume, cell: Cell, grid: Cell, number: int) -> Box:
    chunk = np.unravel_index(number, grid)
    place = tuple(int(c) * g + int(n) for c, g, n in zip(cell, grid, chunk, strict=True))
    return cell_box(place, volume.chunk) & volume.box
