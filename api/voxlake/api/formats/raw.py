"""Raw: the voxels and nothing else; shape and dtype are in the headers of the answer."""

from __future__ import annotations

from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, as_bytes
from voxlake.api.formats.format import Format


def encode(_cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the voxels, C order, little-endian."""
    return map(as_bytes, blocks)


def measure(cutout: Cutout) -> int:
    """Return the bytes of the voxels."""
    return cutout.nbytes


RAW = Format("raw", "application/octet-stream", ".raw", encode, measure)
