"""NIfTI-1, one file, not compressed: a header of 352 bytes, then the voxels, x fastest.

https://nifti.nimh.nih.gov/nifti-1/documentation/nifti1fields
"""

from __future__ import annotations

from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, as_bytes
from voxlake.api.formats.format import Format

HEADER_BYTES = 352
"""The header, and four bytes that say that no extension follows."""
MOST_VOXELS = 2**15 - 1
"""Along an axis: its extents are numbers of 16 bits."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the header, then the voxels without copying them."""
    yield memoryview(header(cutout))
    yield from map(as_bytes, blocks)


def header(cutout: Cutout) -> bytes:
    """Return the header, in micrometres."""
    import nibabel as nib
    import numpy as np

    made = nib.Nifti1Header(endianness="<")
    made.set_data_dtype(cutout.dtype.newbyteorder("<"))
    t, c, z, y, x = cutout.sizes
    made.set_data_shape((x, y, z, t, c) if c > 1 else (x, y, z, t) if t > 1 else (x, y, z))
    size = cutout.size_in("micrometer")
    place = cutout.place_in("micrometer")
    affine = np.diag([*(size or (1.0, 1.0, 1.0))[::-1], 1.0])
    affine[:3, 3] = (place or (0.0, 0.0, 0.0))[::-1]
    made.set_sform(affine, code="scanner")
    made.set_zooms((*np.diag(affine)[:3], *(1.0,) * (made["dim"][0] - 3)))
    made.set_xyzt_units("micron" if size else "unknown", "unknown")
    made["vox_offset"] = HEADER_BYTES
    made["magic"] = b"n+1"
    return bytes(made.binaryblock) + bytes(4)


def measure(cutout: Cutout) -> int:
    """Return the bytes of header and voxels."""
    return HEADER_BYTES + cutout.nbytes


def accepts(cutout: Cutout) -> bool:
    """Accept what is not too long, and has channels or time points, not both."""
    t, c, *_ = cutout.sizes
    is_known = cutout.dtype != "f2"
    return cutout.is_usual and min(t, c) == 1 and max(cutout.shape) <= MOST_VOXELS and is_known


NIFTI = Format("nifti", "application/x-nifti", ".nii", encode, measure, accepts=accepts)
