"""Encodings of chunks of the precomputed format, and the codings that they are sent in. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy.typing as npt
import zstandard

from voxlake.api.views.precomputed_info import BLOCK
from voxlake.ngff.codecs.compressed_segmentation import encode_segmentation

JPEG_QUALITY = 85
_LEVEL = 1
"""Of compression while somebody waits for it."""

type Voxels = npt.NDArray[Any]


def encode_raw(voxels: Voxels) -> bytes:
    """Return the voxels as they are: (channel, z, y, x), little-endian, C order."""
    return voxels.tobytes()


def encode_jpeg(voxels: Voxels) -> bytes:
    """Return the voxels as a JPEG image: its columns are x, its rows all y of one z after another.

    Parameters
    ----------
    voxels
        (channel, z, y, x), uint8, of 1 or 3 channels.
    """
    # Takes long to load, and most datasets are never asked for so.
    import imagecodecs

    channels, z, y, x = voxels.shape
    rows = voxels.reshape(channels, z * y, x)
    image = rows[0] if channels == 1 else rows.transpose(1, 2, 0).copy()
    return bytes(imagecodecs.jpeg8_encode(image, level=JPEG_QUALITY))


def encode_labels(voxels: Voxels) -> bytes:
    """Return the voxels as ``compressed_segmentation``: (channel, z, y, x), uint32 or uint64."""
    return encode_segmentation(voxels, BLOCK)


ENCODINGS: dict[str, Callable[[Voxels], bytes]] = {
    "raw": encode_raw,
    "jpeg": encode_jpeg,
    "compressed_segmentation": encode_labels,
}
"""By the names that the format has for them; the first is that of chunks as they are stored."""

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=_LEVEL).compress(body),
    "gzip": lambda body: zlib.compress(body, _LEVEL, wbits=31),
}
"""Of HTTP, the preferred first."""
