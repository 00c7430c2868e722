"""How an image is to be turned before it is shown: a tag of TIFF, which EXIF has too.

Readers of science leave it out, and photo viewers do not, so that nobody can tell which is meant.
TIFF 6.0, page 36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from voxlake.compute.sources.calibration import Calibration

if TYPE_CHECKING:
    from tifffile import TiffPage

ORIENTATION = 274
"""The tag."""
_TURNED = {
    2: "mirrored along x",
    3: "turned by 180 degrees",
    4: "mirrored along y",
    5: "mirrored, with x and y swapped",
    6: "turned by 90 degrees",
    7: "mirrored, with x and y swapped, and turned by 180 degrees",
    8: "turned by 270 degrees",
}


def oriented(orientation: int) -> Calibration:
    """Return what an orientation says of the places of pixels: of 1, and of what is none, nothing.

    Examples
    --------
    >>> oriented(1).lost, oriented(4).lost
    ((), ('an orientation tag of 4 (mirrored along y)',))
    """
    if orientation not in _TURNED:
        return Calibration()
    return Calibration(lost=(f"an orientation tag of {orientation} ({_TURNED[orientation]})",))


def tiff_orientation(page: TiffPage) -> int:
    """Return the orientation of a page; 1 if it says none."""
    tag = page.tags.get(ORIENTATION)
    return 1 if tag is None else int(tag.value)


def exif_orientation(body: bytes) -> int:
    """Return the orientation in EXIF, with its ``Exif`` in front; 1 if it says none, or is torn."""
    exif = Image.Exif()
    try:
        exif.load(body)
        return int(exif.get(ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError):
        return 1
