"""Encode and decode many chunks at a time: buffers and zstd contexts are reused by each thread.

The work of a box is three calls that release the interpreter lock: a copy into chunks, a look for
chunks of nothing but fill, and the compression of all the others.

zstandard's segments are buffers, which its types do not say.
"""

from __future__ import annotations

import math
from threading import local
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import zstandard

from voxlake.ngff.grid.box import grid_shape
from voxlake.ngff.memory.reuse import reused
from voxlake.ngff.memory.strided import rows_of
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Buffer, Sequence

    import numpy.typing as npt

    from voxlake.ngff.memory.strided import Rows
    from voxlake.ngff.shards.format import ShardFormat

_BYTE = np.dtype(np.uint8)

type Payload = memoryview
"""The compressed bytes of a chunk."""


def encode_chunks(coding: ShardFormat, voxels: npt.NDArray[Any]) -> list[Payload | None]:
    """Return the payload of each chunk of `voxels`, in C order; None for chunks of only fill.

    Parameters
    ----------
    coding
        Says how; its chunks have an extent of 1 along all axes before z.
    voxels
        A box that begins on the chunk grid, at one place of all axes before z; (..., z, y, x) with
        contiguous rows. Where it ends within a chunk, the rest of the chunk is fill.
    """
    chunks = _gathered(coding, voxels)
    wanted = np.flatnonzero(_differ_from_fill(coding, chunks))
    payloads: list[Payload | None] = [None] * len(chunks)
    if not wanted.size:
        return payloads
    places = np.empty((wanted.size, 2), np.uint64)
    places[:, 0], places[:, 1] = wanted * coding.chunk_bytes, coding.chunk_bytes
    packed = _compressor(coding).multi_compress_to_buffer(
        zstandard.BufferWithSegments(chunks.data.cast("B"), places.tobytes())
    )
    for number, index in enumerate(wanted):
        payloads[index] = memoryview(cast("Buffer", packed[number]))
    return payloads


def decode_chunks(
    coding: ShardFormat, payloads: Sequence[Payload | None], out: npt.NDArray[Any], what: str
) -> None:
    """Decode the chunks of a box, in C order, into `out`; None stands for a chunk of only fill.

    Parameters
    ----------
    coding, out
        As of `encode_chunks`.
    payloads
        One for each chunk that the box touches.
    what
        Names the data in errors.

    Raises
    ------
    CorruptDataError
        If a payload does not decode to a chunk.
    """
    # Imports the compiler, which nobody needs who moves no voxels.
    from voxlake.ngff.shards.chunk_copy import scatter

    chunks = reused("decoded", (len(payloads), coding.chunk_bytes), _BYTE)
    _decompress(coding, payloads, chunks, what)
    size = (*coding.chunk[-3:-1], coding.row_bytes)
    scatter(chunks.reshape(-1), size, _byte_rows(out))


def unpack_chunks(
    coding: ShardFormat, payloads: Sequence[Payload], what: str
) -> list[npt.NDArray[Any]]:
    """Return each chunk by itself, whole, where it was decoded: nothing is copied.

    For work that is done while the chunks are in the processor's cache. Parameters and errors are
    those of `decode_chunks`.
    """
    unpacked = _unpacked(coding, payloads, what)
    return [
        np.frombuffer(cast("Buffer", unpacked[number]), coding.dtype.newbyteorder("<")).reshape(
            coding.chunk
        )
        for number in range(len(payloads))
    ]


def _gathered(coding: ShardFormat, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the chunks of a box as (n, bytes), in this thread's buffer."""
    # Imports the compiler, which nobody needs who moves no voxels.
    from voxlake.ngff.shards.chunk_copy import gather

    rows = _byte_rows(voxels)
    size = (*coding.chunk[-3:-1], coding.row_bytes)
    count = math.prod(grid_shape(rows[-3:], size))
    chunks = reused("chunks", (count, coding.chunk_bytes), _BYTE)
    gather(rows, chunks.reshape(-1), size)
    return chunks


def _byte_rows(voxels: npt.NDArray[Any]) -> Rows[np.uint8]:
    """Return the bytes of a box at one place of all axes before z."""
    return rows_of(voxels[(0,) * (voxels.ndim - 3)].view(np.uint8))


def _differ_from_fill(coding: ShardFormat, chunks: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    # Imports the compiler, which nobody needs who moves no voxels.
    from voxlake.ngff.shards.chunk_copy import has_voxels

    if coding.fill == 0:
        return np.asarray(has_voxels(chunks))
    return np.asarray((chunks.view(coding.dtype) != coding.fill).any(axis=1))


def _decompress(
    coding: ShardFormat,
    payloads: Sequence[Payload | None],
    chunks: npt.NDArray[np.uint8],
    what: str,
) -> None:
    stored = [body for body in payloads if body is not None]
    if len(stored) < len(payloads):
        chunks.view(coding.dtype)[...] = coding.fill
    if not stored:
        return
    unpacked = _unpacked(coding, stored, what)
    numbers = (number for number, body in enumerate(payloads) if body is not None)
    for place, number in enumerate(numbers):
        chunks[number] = np.frombuffer(cast("Buffer", unpacked[place]), np.uint8)


def _unpacked(
    coding: ShardFormat, stored: Sequence[Payload], what: str
) -> zstandard.BufferWithSegmentsCollection:
    sizes = np.full(len(stored), coding.chunk_bytes, np.uint64).tobytes()
    try:
        return _decompressor().multi_decompress_to_buffer(
            cast("list[bytes | bytearray | memoryview[int]]", stored), decompressed_sizes=sizes
        )
    except zstandard.ZstdError as error:
        raise CorruptDataError(f"a chunk of {what} is damaged ({error}); restore it") from error


class _Kept(local):
    """What a thread keeps for its next call."""

    def __init__(self) -> None:
        self.compressors: dict[tuple[int, bool], zstandard.ZstdCompressor] = {}
        self.decompressor: zstandard.ZstdDecompressor | None = None


_kept = _Kept()


def _compressor(coding: ShardFormat) -> zstandard.ZstdCompressor:
    key = (coding.zstd_level, coding.zstd_checksum)
    if key not in _kept.compressors:
        _kept.compressors[key] = zstandard.ZstdCompressor(
            level=coding.zstd_level, write_checksum=coding.zstd_checksum
        )
    return _kept.compressors[key]


def _decompressor() -> zstandard.ZstdDecompressor:
    if _kept.decompressor is None:
        _kept.decompressor = zstandard.ZstdDecompressor()
    return _kept.decompressor
