"""Blosc: the voxels as one Blosc 1 buffer, compressed by LZ4; shape and dtype as of raw.

The head of a buffer tells how long it is, so what is compressed is made as a whole. A buffer may
hold its bytes as they are, too (c-blosc, README_CHUNK_FORMAT: ``memcpyed``), and is that long.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, as_bytes, joined
from voxlake.api.formats.format import Format

OVERHEAD_BYTES = 16
"""What a buffer has besides what it holds, if that cannot be compressed."""
MOST_BYTES = 2**31 - 1 - OVERHEAD_BYTES
"""What a buffer holds at most (c-blosc: ``BLOSC_MAX_BUFFERSIZE``)."""
_HEAD = struct.Struct("<BBBBIII")
_MEMCPYED = 0x2
_STORED_BLOCK = 1 << 20
_CODEC, _LEVEL = b"lz4", 5
"""zstd takes three to eight times as long; who has so slow a network that it pays reads zarr."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the buffer."""
    from numcodecs import blosc

    voxels = joined(cutout, blocks)
    shuffle = blosc.BITSHUFFLE if _gains_by_shuffle(cutout) else blosc.NOSHUFFLE
    yield memoryview(blosc.compress(voxels, _CODEC, _LEVEL, shuffle))


def encode_stored(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield a buffer that holds the voxels as they are, as they come."""
    size, block = cutout.nbytes, min(cutout.nbytes, _STORED_BLOCK)
    typesize = cutout.dtype.itemsize
    head = _HEAD.pack(2, 1, _MEMCPYED, typesize, size, block, size + OVERHEAD_BYTES)
    yield memoryview(head)
    yield from map(as_bytes, blocks)


def _gains_by_shuffle(cutout: Cutout) -> bool:
    """Return whether voxels are numbers whose upper bits are alike: not bytes, nor labels."""
    return cutout.dtype.kind == "f" or cutout.dtype.itemsize == 2


def measure(cutout: Cutout) -> int:
    """Return the bytes of the buffer, at most."""
    return cutout.nbytes + OVERHEAD_BYTES


def accepts(cutout: Cutout) -> bool:
    """Accept what fits in a buffer."""
    return cutout.nbytes <= MOST_BYTES


STORED = Format("blosc", "application/x-blosc", ".blosc", encode_stored, measure, accepts=accepts)
BLOSC = Format(
    "blosc",
    "application/x-blosc",
    ".blosc",
    encode,
    measure,
    is_exact=False,
    joins=True,
    besides=measure,
    accepts=accepts,
    unjoined=STORED,
)
