"""GIF images of one frame, by Pillow: what the header says, and the indices into its palette.

Pillow's limit on the number of pixels does not hold: what an image takes is in the plan, and a plan
that takes too much is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL.GifImagePlugin import GifImageFile

from voxlake.compute.sources.images.palette import Palette
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

_END = b";"


def read_gif_header(path: Path) -> tuple[int, int, Palette | None]:
    """Return rows and columns of an image, and the palette of its indices.

    Raises
    ------
    SourceError
        If it has several frames, or one that leaves pixels out.
    ValueError, OSError
        If it has no header that Pillow reads.
    """
    with _opened(path) as image:
        if image.n_frames != 1:
            raise SourceError(
                f"GIF {path} holds {image.n_frames} frames, each of which may be a part of a "
                "picture; save them as images of their own"
            )
        left, top, right, bottom = image.tile[0][1] or (0, 0, 0, 0)
        if (left, top, right, bottom) != (0, 0, *image.size):
            raise SourceError(
                f"GIF {path} has pixels of rows {top} to {bottom} and columns {left} to {right} "
                f"alone, out of {image.height} x {image.width}; crop it, or save it as PNG"
            )
        return image.height, image.width, _palette(image)


def gif_is_whole(path: Path) -> bool:
    """Return whether the end of the file is there."""
    with path.open("rb") as file:
        file.seek(-min(16, path.stat().st_size), 2)
        return _END in file.read()


def decode_gif(path: Path) -> np.ndarray:
    """Return the indices of an image: (y, x).

    Raises whatever Pillow does if the image is torn.
    """
    with _opened(path) as image:
        return np.asarray(image)


def _opened(path: Path) -> GifImageFile:
    try:
        return GifImageFile(path)
    except (SyntaxError, EOFError, IndexError, TypeError) as error:
        raise ValueError(str(error) or "it is cut off") from error


def _palette(image: GifImageFile) -> Palette | None:
    if image.mode != "P" or image.palette is None:
        return None
    raw = np.frombuffer(bytes(image.palette.palette), np.uint8)
    colours = raw[: raw.size // 3 * 3].reshape(-1, 3)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int) and transparent < len(colours):
        return Palette.of(colours, {transparent: 0})
    return Palette.of(colours)
