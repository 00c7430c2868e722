"""How a TIFF file says that its channels are called and shown: OME-XML, ImageJ, or RGB.

OME-XML: https://docs.openmicroscopy.org/ome-model/latest/developers/6d-7d-and-8d-storage.html and
its schema of 2016-06, ``Channel``. ImageJ: `ij.io.TiffDecoder`, look-up tables and display ranges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.channels import sample_channels, type_window
from voxlake.compute.sources.images.tiff.promise import is_ome, ome_root
from voxlake.ngff.metadata.channels import (
    NOTHING_SAID,
    Channel,
    Channels,
    Window,
    label_of,
    window_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from tifffile import TiffPage, TiffPageSeries

    from voxlake.compute.sources.images.tiff.ome_tiff import DescribedTiff

RGB_PHOTOMETRICS = {2, 6}
"""RGB, and YCbCr, which is decoded to it."""


def page_channels(page: TiffPage, samples: int, dtype: np.dtype) -> Channels:
    """Return the channels that the samples of a page are, if they are colours."""
    is_rgb = page.photometric in RGB_PHOTOMETRICS and samples in {3, 4}
    return sample_channels(samples, dtype) if is_rgb else NOTHING_SAID


def tiff_channels(described: DescribedTiff, series: TiffPageSeries, dtype: np.dtype) -> Channels:
    """Return what a file says of the channels of its only `series`.

    Raises
    ------
    SourceError
        If its OME-XML is torn.
    """
    tif = described.tif
    if "S" in series.axes:
        return page_channels(series.keyframe, series.keyframe.samplesperpixel, dtype)
    if is_ome(described.description):
        return ome_channels(described.description, f"TIFF {tif.filename}")
    if series.kind == "imagej" and tif.imagej_metadata is not None:
        return _imagej_channels(tif.imagej_metadata, dtype)
    return NOTHING_SAID


def ome_channels(xml: str, what: str) -> Channels:
    """Return the channels that the first image of OME-XML names or colours.

    Raises
    ------
    SourceError
        If it is no XML; `what` has it.
    """
    pixels = ome_root(xml, what).find(".//{*}Pixels")
    found = [] if pixels is None else pixels.findall("{*}Channel")
    faults: list[str] = []
    channels = tuple(_ome_channel(each, number, faults) for number, each in enumerate(found))
    is_said = any(channel != Channel() for channel in channels)
    return Channels(channels if is_said else (), tuple(faults))


def _ome_channel(element: Element, number: int, faults: list[str]) -> Channel:
    """Return a channel; its ``Color`` is a signed number of 32 bits: red, green, blue, alpha."""
    said, color = element.get("Color"), None
    if said is not None:
        try:
            color = f"{(int(said) & 0xFFFFFFFF) >> 8:06X}"
        except ValueError:
            faults.append(f"the Color of channel {number} is {said!r}")
    return Channel(label_of(element.get("Name")), color)


def _imagej_channels(said: dict[str, Any], dtype: np.dtype) -> Channels:
    """Return the channels that ImageJ has a look-up table or a display range of."""
    count = int(said.get("channels", 1))
    faults: list[str] = []
    colors = [*_lut_colors(said.get("LUTs"), count, faults)]
    windows = [*_display_ranges(said, count, dtype)]
    pairs = zip(colors, windows, strict=True)
    channels = tuple(Channel("", color, window) for color, window in pairs)
    is_said = any(channel != Channel() for channel in channels)
    return Channels(channels if is_said else (), tuple(faults))


def _lut_colors(luts: object, count: int, faults: list[str]) -> Iterator[str | None]:
    """Yield the colour of each channel whose look-up table runs from black to it."""
    if not isinstance(luts, list) or len(luts) != count:
        yield from (None,) * count
        return
    for number, lut in enumerate(luts):
        color = _ramp_color(np.asarray(lut))
        if color is None:
            faults.append(f"the look-up table of channel {number} is no ramp to one colour")
        yield color


def _ramp_color(lut: np.ndarray) -> str | None:
    if lut.shape != (3, 256):
        return None
    ramp = np.outer(lut[:, -1].astype(float), np.arange(256) / 255)
    if np.abs(lut - ramp).max() > 1:
        return None
    return "".join(f"{int(end):02X}" for end in lut[:, -1])


def _display_ranges(said: dict[str, Any], count: int, dtype: np.dtype) -> Iterator[Window | None]:
    ranges = said.get("Ranges", (said.get("min"), said.get("max")) if count == 1 else ())
    whole = type_window(dtype)
    bounds = (whole.min, whole.max) if whole else (None, None)
    if not isinstance(ranges, tuple) or len(ranges) != 2 * count:
        yield from (None,) * count
        return
    for number in range(count):
        yield window_of(*ranges[2 * number : 2 * number + 2], *bounds)
