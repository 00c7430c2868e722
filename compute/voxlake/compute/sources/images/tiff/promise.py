"""How many planes the metadata of a TIFF file promise, and whether they are there.

ImageJ writes ``images=``, ``slices=`` and the like into the description of the first page, tifffile
the ``shape``, MetaMorph a tag of its own, and OME-XML has sizes. The file may have a page for each
plane, or one page with all planes behind it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from tifffile import TiffFile, TiffFrame, TiffPage, TiffPageSeries

METAMORPH = 33629
"""Tag of MetaMorph stacks (UIC2), with a value for each plane."""
_HEAD = 10_000
"""Characters, within which OME-XML begins: what comes before are comments."""


@dataclass(frozen=True, slots=True)
class Promise:
    """How many planes the metadata say that there are."""

    planes: int
    said: str
    """In which words."""


def promised_planes(description: str, plane: Sequence[int]) -> Promise | None:
    r"""Return what the description of the first page says; None if it says nothing of planes.

    Parameters
    ----------
    description
        Of the first page, or the OME-XML of a companion file.
    plane
        Height, width and samples of a page.

    Raises
    ------
    SourceError
        If the numbers do not fit one another.

    Examples
    --------
    >>> promised_planes("ImageJ=1.54f\nimages=6\nslices=3\nframes=2", (20, 30, 1)).planes
    6
    >>> promised_planes('{"shape": [9, 20, 30]}', (20, 30, 1)).planes
    9
    """
    if description.startswith("ImageJ="):
        return _imagej(description, plane[2])
    if description.startswith('{"shape":'):
        return _shaped(description, math.prod(plane))
    return _ome(description) if is_ome(description) else None


def is_ome(description: str) -> bool:
    """Return whether a description is OME-XML, which may be torn.

    Examples
    --------
    >>> is_ome('<?xml version="1.0"?><OME xmlns="..."><Image/></OME>'), is_ome("<html/>")
    (True, False)
    """
    begun = description[:_HEAD].lstrip("\ufeff \r\n\t")
    return begun.startswith("<") and re.search(r"<(\w+:)?OME[\s>]", begun) is not None


def ome_root(xml: str, what: str) -> Element:
    """Return the root of OME-XML; raise SourceError if it is torn."""
    try:
        return ElementTree.fromstring(xml)  # noqa: S314  (expat bounds how entities grow)
    except ElementTree.ParseError as error:
        raise SourceError(f"{what} has torn OME-XML ({error}); restore it") from error


def check_planes(
    path: Path,
    series: TiffPageSeries,
    pages: Iterable[TiffPage | TiffFrame],
    description: str,
) -> None:
    """Raise SourceError unless the planes of `series` are those that its metadata promise.

    Parameters
    ----------
    path
        For messages.
    series
        What is read.
    pages
        All of its pages.
    description
        As of `promised_planes`.
    """
    key = series.keyframe
    planes = series.size // key.size
    promise = promised_planes(description, (key.imagelength, key.imagewidth, key.samplesperpixel))
    if promise is not None and promise.planes != planes:
        raise SourceError(
            f"TIFF {path} holds {planes} planes, and its metadata promise {promise.planes} "
            f"({promise.said}); restore the file, or save it again with metadata that are right"
        )
    named = Counter((id(page.parent), page.index) for page in pages)
    if max(named.values()) > 1:
        raise SourceError(
            f"TIFF {path} has one page for several planes; save it again with metadata that are "
            "right"
        )
    for tif in {id(page.parent): page.parent for page in pages}.values():
        _check_all_named(tif, series, planes, sum(parent == id(tif) for parent, _ in named))


def _check_all_named(tif: TiffFile, series: TiffPageSeries, planes: int, named: int) -> None:
    """Raise SourceError if a file has pages that the metadata do not name."""
    # Levels of a pyramid are pages of the file, or lie below (SubIFD) and are none of them.
    smaller = sum(
        len(page.treeindex) == 1
        for level in series.levels[1:]
        for page in level
        if page is not None and page.parent is tif
    )
    pages = len(tif.pages) - smaller
    if pages in {named, 1} or (len(series) == 1 and pages == planes):
        return
    raise SourceError(
        f"TIFF {tif.filehandle.path} holds {pages} pages, and its metadata name {named} of them; "
        "save it again with metadata that are right"
    )


def _imagej(description: str, samples: int) -> Promise | None:
    pairs = re.findall(r"^(images|channels|slices|frames)=(\d+)\s*$", description, re.MULTILINE)
    counts = {name: int(text) for name, text in pairs}
    if not counts:
        return None
    said = "ImageJ's " + " ".join(f"{name}={count}" for name, count in counts.items())
    product = math.prod(counts.get(name, 1) for name in ("channels", "slices", "frames"))
    if samples > 1 and counts.get("channels") == samples:  # as Bio-Formats has colours
        product //= samples
    images = counts.get("images", product)
    if product not in {1, images}:
        raise SourceError(
            f"the metadata of a TIFF file do not fit one another: {said}; save it again"
        )
    return Promise(images, said)


def _shaped(description: str, plane: int) -> Promise | None:
    try:
        shape = tuple(map(int, json.loads(description)["shape"]))
    except (ValueError, TypeError, KeyError):
        return None
    return Promise(math.prod(shape) // plane, f"the shape {shape}")


def _ome(xml: str) -> Promise | None:
    images = [
        pixels
        for image in ome_root(xml, "a TIFF file")
        for pixels in image
        if image.tag.endswith("Image") and pixels.tag.endswith("Pixels")
    ]
    if not images:
        return None
    sizes = (
        " x ".join(f"Size{axis} {image.get(f'Size{axis}')}" for axis in "ZCT") for image in images
    )
    return Promise(sum(map(_ome_planes, images)), f"OME-XML: {', '.join(sizes)}")


def _ome_planes(pixels: Element) -> int:
    """Return how many planes ``Pixels`` has; its channels count each sample of a pixel."""
    samples = [
        int(channel.get("SamplesPerPixel") or 1)
        for channel in pixels
        if channel.tag.endswith("Channel")
    ]
    z, c, t = (int(pixels.get(f"Size{axis}") or 1) for axis in "ZCT")
    return z * t * (c // max(samples, default=1))
