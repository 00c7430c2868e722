"""TIFF files that say that 0 is white: their voxels are read as stored, and that is told.

So do tifffile and ImageJ, which shows them through an inverted look-up table; Pillow inverts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tifffile import PHOTOMETRIC

if TYPE_CHECKING:
    from tifffile import TiffPage

NEGATIVE = "0 is white, values as stored"
_PHOTOMETRIC = 262


def is_negative(page: TiffPage) -> bool:
    """Return whether a page says that 0 is white: tifffile means the same by saying nothing."""
    return _PHOTOMETRIC in page.tags and page.photometric == PHOTOMETRIC.MINISWHITE
