"""TIFF that ImageJ opens as a hyperstack, with the size of a voxel; other readers do, too.

ImageJ has no integers of 32 or 64 bits: those are an OME-TIFF, or of 64 bits a plain one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.cutout import Blocks, Cutout, joined
from voxlake.api.formats.format import Format

PAGE_BYTES = 400
"""What a page takes besides its pixels, at most."""
FILE_BYTES = 64 << 10
"""What the file takes besides its pages, at most."""
IMAGEJ = {"uint8", "uint16", "float32"}
"""Types that ImageJ has."""
OME = {"int8", "int16", "int32", "uint32", "float64"}
"""Types that OME-XML has besides."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the file."""
    from tifffile import imwrite

    body = io.BytesIO()
    voxels = _hyperstack(cutout, joined(cutout, blocks))
    imwrite(body, voxels, photometric="minisblack", **_described(cutout))
    yield body.getbuffer()


def _hyperstack(cutout: Cutout, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the voxels as ImageJ orders them: t, z, c, y, x."""
    return np.ascontiguousarray(voxels.reshape(cutout.sizes).transpose(0, 2, 1, 3, 4))


def _described(cutout: Cutout) -> dict[str, Any]:
    size = cutout.size_in("micrometer")
    if cutout.dtype.name in IMAGEJ:
        spaced = {"spacing": size[0], "unit": "um"} if size else {}
        return {"imagej": True, "metadata": {"axes": "TZCYX", **spaced}, **_resolution(size)}
    if cutout.dtype.name in OME:
        sizes = zip("ZYX", size or (), strict=False)
        said = {f"PhysicalSize{axis}": length for axis, length in sizes}
        units = {f"PhysicalSize{axis}Unit": "µm" for axis in "ZYX" if size}
        return {"ome": True, "metadata": {"axes": "TZCYX", **said, **units}}
    return {"metadata": {"axes": "TZCYX"}, **_resolution(size)}


def _resolution(size: tuple[float, float, float] | None) -> dict[str, Any]:
    if size is None:
        return {}
    return {"resolution": (1 / size[2], 1 / size[1])}


def measure(cutout: Cutout) -> int:
    """Return the bytes of the file, at most."""
    t, c, z, _, _ = cutout.sizes
    return cutout.nbytes + t * c * z * PAGE_BYTES + FILE_BYTES


def accepts(cutout: Cutout) -> bool:
    """Accept axes that hyperstacks have."""
    return cutout.is_usual and cutout.dtype != np.dtype("f2")


TIFF = Format(
    "tiff",
    "image/tiff",
    ".tif",
    encode,
    measure,
    is_exact=False,
    joins=True,
    besides=lambda cutout: measure(cutout) + cutout.nbytes,
    accepts=accepts,
)
