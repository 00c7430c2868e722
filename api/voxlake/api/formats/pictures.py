"""Pictures of a slice, across any axis: PNG, JPEG and WebP; rows run along the slower axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.cutout import Blocks, Cutout, joined
from voxlake.api.formats.format import Accepts, Format
from voxlake.ngff.drawing.pixels import padded
from voxlake.ngff.drawing.png import encode_png

JPEG_QUALITY = 90
WEBP_QUALITY = 90
_PNG_MOST, JPEG_MOST, _WEBP_MOST = 2**31 - 1, 65_500, 16_383
"""Pixels along an edge (PNG: 31 bits; libjpeg: ``JPEG_MAX_DIMENSION``; WebP: 14 bits)."""
_HEADER_BYTES = 8 << 10

PLANES = {"xy": ("y", "x"), "xz": ("z", "x"), "yz": ("z", "y")}
"""Planes by their names, and the axes of rows and of columns."""
NORMALS = {"xy": "z", "xz": "y", "yz": "x"}
"""The axis across each plane."""

_DRAWING_BYTES = 40
"""Memory of a pixel while it is drawn."""

type _EncodePicture = Callable[[npt.NDArray[Any]], bytes]
type Draw = Callable[[npt.NDArray[Any]], npt.NDArray[np.uint8]]
"""Makes pixels (rows, columns), or (rows, columns, 4), of voxels (rows, columns)."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a slice becomes pixels."""

    draw: Draw
    plane: str
    has_colours: bool = False
    """Whether pixels are red, green, blue and alpha."""
    size: int = 0
    """Pixels along each edge, if they are to be as many, whatever the slice has."""

    def shape(self, cutout: Cutout) -> tuple[int, int]:
        """Return the rows and columns of a picture."""
        rows, columns = _shape(cutout, self.plane)
        return max(rows, self.size), max(columns, self.size)

    def pixels(self, cutout: Cutout, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Return a slice as it is drawn."""
        drawn = self.draw(voxels.reshape(_shape(cutout, self.plane)))
        return padded(drawn, self.shape(cutout))


def plane_of(cutout: Cutout) -> str:
    """Return the plane of a slice.

    It is that of the two axes of space that have more than one voxel; of fewer, xy if it can be.
    """
    *_, z, y, x = cutout.sizes
    return "xz" if y == 1 and z > 1 else "yz" if x == 1 and z > 1 else "xy"


def _shape(cutout: Cutout, plane: str) -> tuple[int, int]:
    rows, columns = (cutout.along(name, cutout.shape, 1) for name in PLANES[plane])
    return rows, columns


def picture_of(cutout: Cutout, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a slice as rows and columns."""
    return voxels.reshape(_shape(cutout, plane_of(cutout)))


def is_slice(cutout: Cutout) -> bool:
    """Return whether a cutout is one plane of one channel at one time."""
    t, c, *zyx = cutout.sizes
    return cutout.is_usual and t == c == 1 and min(zyx) == 1


def _encode(make: _EncodePicture, cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    yield memoryview(make(picture_of(cutout, joined(cutout, blocks))))


def _jpeg(pixels: npt.NDArray[Any]) -> bytes:
    from imagecodecs import jpeg8_encode

    return bytes(jpeg8_encode(pixels, level=JPEG_QUALITY))


def _webp(pixels: npt.NDArray[Any]) -> bytes:
    from imagecodecs import webp_encode

    return bytes(webp_encode(np.repeat(pixels[..., None], 3, axis=-1), level=WEBP_QUALITY))


def _webp_exactly(pixels: npt.NDArray[Any]) -> bytes:
    from imagecodecs import webp_encode

    return bytes(webp_encode(pixels, lossless=True))


def measure_picture(cutout: Cutout) -> int:
    """Return the bytes of a picture, at most: what does not compress grows by less."""
    rows = sum(cutout.shape)
    return 4 * cutout.nbytes + 16 * rows + _HEADER_BYTES


def _accepts(dtypes: tuple[str, ...], most: int) -> Accepts:
    def accepts(cutout: Cutout) -> bool:
        is_small = max(cutout.shape) <= most
        return is_slice(cutout) and cutout.dtype.name in dtypes and is_small

    return accepts


def _format(name: str, suffix: str, make: _EncodePicture, accepts: Accepts) -> Format:
    return Format(
        name,
        f"image/{name}",
        suffix,
        partial(_encode, make),
        measure_picture,
        is_exact=False,
        joins=True,
        besides=measure_picture,
        accepts=accepts,
    )


PNG = _format("png", ".png", encode_png, _accepts(("uint8", "uint16"), _PNG_MOST))
JPEG = _format("jpeg", ".jpg", _jpeg, _accepts(("uint8",), JPEG_MOST))
WEBP = _format("webp", ".webp", _webp, _accepts(("uint8",), _WEBP_MOST))


def drawn(drawing: Drawing) -> tuple[Format, ...]:
    """Return the formats of pictures that are drawn so, the preferred first.

    Those in colours keep every colour, and what is transparent: JPEG does neither.
    """
    png = _drawn(PNG, drawing, encode_png, _PNG_MOST)
    if drawing.has_colours:
        return png, _drawn(WEBP, drawing, _webp_exactly, _WEBP_MOST)
    jpeg = _drawn(JPEG, drawing, _jpeg, JPEG_MOST)
    return png, jpeg, _drawn(WEBP, drawing, _webp, _WEBP_MOST)


def _drawn(form: Format, drawing: Drawing, make: _EncodePicture, most: int) -> Format:
    def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
        yield memoryview(make(drawing.pixels(cutout, joined(cutout, blocks))))

    def measure(cutout: Cutout) -> int:
        rows, columns = drawing.shape(cutout)
        return 5 * rows * columns + 16 * (rows + columns) + _HEADER_BYTES

    def besides(cutout: Cutout) -> int:
        rows, columns = drawing.shape(cutout)
        return measure(cutout) + _DRAWING_BYTES * rows * columns

    def accepts(cutout: Cutout) -> bool:
        return is_slice(cutout) and max(drawing.shape(cutout)) <= most

    return replace(form, encode=encode, measure=measure, besides=besides, accepts=accepts)
