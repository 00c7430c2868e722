"""NumPy's archive of arrays, not compressed: one, called ``voxels``."""

from __future__ import annotations

from collections.abc import Iterator

from voxlake.api.formats import npy
from voxlake.api.formats.cutout import Blocks, Cutout
from voxlake.api.formats.format import Format
from voxlake.api.formats.zip_parts import END_BYTES, MEMBER_BYTES, zip_parts


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the archive as the voxels come."""
    return zip_parts([("voxels.npy", npy.encode(cutout, blocks))])


def measure(cutout: Cutout) -> int:
    """Return the bytes of the archive, at most."""
    return npy.measure(cutout) + MEMBER_BYTES + END_BYTES


NPZ = Format("npz", "application/x-npz", ".npz", encode, measure, is_exact=False)
