"""Blosc: the voxels as one Blosc 1 buffer, compressed with zstd; shape and dtype as of raw."""

from __future__ import annotations

from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, joined
from voxlake.api.formats.format import Format

OVERHEAD_BYTES = 16
"""What a buffer has besides what it holds, if that cannot be compressed."""
MOST_BYTES = 2**31 - 1 - OVERHEAD_BYTES
"""What a buffer holds at most (c-blosc: ``BLOSC_MAX_BUFFERSIZE``)."""
_LEVEL = 1
"""Level 3 takes two to four times as long, for some per cent less."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the buffer."""
    from numcodecs import blosc

    voxels = joined(cutout, blocks)
    shuffle = blosc.BITSHUFFLE if _gains_by_shuffle(cutout) else blosc.NOSHUFFLE
    yield memoryview(blosc.compress(voxels, b"zstd", _LEVEL, shuffle))


def _gains_by_shuffle(cutout: Cutout) -> bool:
    """Return whether voxels are numbers whose upper bits are alike: not bytes, nor labels."""
    return cutout.dtype.kind == "f" or cutout.dtype.itemsize == 2


def measure(cutout: Cutout) -> int:
    """Return the bytes of the buffer, at most."""
    return cutout.nbytes + OVERHEAD_BYTES


def accepts(cutout: Cutout) -> bool:
    """Accept what fits in a buffer."""
    return cutout.nbytes <= MOST_BYTES


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
)
