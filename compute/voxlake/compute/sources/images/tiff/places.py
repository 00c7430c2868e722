"""Where the voxels of a TIFF file lie: as its OME-XML says, or its description by ImageJ.

Units are read here, not by tifffile, which takes unknown ones of OME for micrometres and scales
only z of ImageJ's. Other TIFF files say nothing of z, and so nothing that is of use.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from voxlake.compute.sources.calibration import AxisScale, Calibration, axis_scale, known_scales
from voxlake.compute.sources.images.tiff.promise import is_ome, ome_root
from voxlake.ngff.grid.units import exact

if TYPE_CHECKING:
    from tifffile import TiffPageSeries

    from voxlake.compute.sources.images.tiff.ome_tiff import DescribedTiff

_OME_DEFAULTS = {"z": "µm", "y": "µm", "x": "µm", "t": "s"}
"""Units that the schema of OME-XML (2016-06) gives attributes without one."""
_TAG_UNITS = {2: "inch", 3: "cm"}
"""``ResolutionUnit``, which counts for ImageJ where it names no unit itself."""
_NO_RESOLUTION = Decimal(1) / 72
"""What ImageJ takes for "not known" in inches."""
_DIGITS = 9
"""Of a size that is kept as a fraction of whole numbers: what both have is 32 bits."""


def tiff_calibration(described: DescribedTiff, series: TiffPageSeries) -> Calibration:
    """Return what a file says of the places of the voxels of its only `series`.

    Raises
    ------
    SourceError
        If its OME-XML is torn.
    """
    tif = described.tif
    if is_ome(described.description):
        return ome_calibration(described.description, f"TIFF {tif.filename}")
    if series.kind == "imagej" and tif.imagej_metadata is not None:
        return _imagej_calibration(tif.imagej_metadata, series)
    return Calibration()


def ome_calibration(xml: str, what: str) -> Calibration:
    """Return what the first image of OME-XML says.

    Raises
    ------
    SourceError
        If it is no XML; `what` has it.
    """
    pixels = ome_root(xml, what).find(".//{*}Pixels")
    if pixels is None:
        return Calibration()
    sizes = {axis: f"PhysicalSize{axis.upper()}" for axis in "zyx"} | {"t": "TimeIncrement"}
    scales = {
        axis: axis_scale(pixels.get(size, ""), pixels.get(f"{size}Unit", _OME_DEFAULTS[axis]))
        for axis, size in sizes.items()
    }
    return Calibration(known_scales(scales))


def _imagej_calibration(said: dict[str, Any], series: TiffPageSeries) -> Calibration:
    """Return the calibration that ImageJ writes: x and y in the tags, the rest in the description.

    ``xorigin`` and its kin are the voxel, from 0, that lies at 0. Like ImageJ, it takes a spacing
    below 0, which some microscopes write, for what it is above 0.
    """
    tags = series.keyframe.tags
    steps = {
        "x": _size(tags.valueof("XResolution")),
        "y": _size(tags.valueof("YResolution")),
        "z": said.get("spacing", ""),
    }
    unit = said.get("unit") or _tag_unit(tags.valueof("ResolutionUnit"), steps["x"])
    scales: dict[str, AxisScale | None] = {}
    for axis, step in steps.items():
        scale = axis_scale(step, _unescaped(said.get(f"{axis}unit") or unit))
        scale = replace(scale, step=abs(scale.step)) if scale else None
        origin = axis_scale(said.get(f"{axis}origin", 0))
        if scale is not None and origin is not None:
            scale = replace(scale, start=-origin.step * scale.step)
        scales[axis] = scale
    scales["t"] = axis_scale(said.get("finterval", ""), _unescaped(said.get("tunit") or "sec"))
    return Calibration(known_scales(scales))


def _size(resolution: object) -> Decimal | None:
    """Return the size of a pixel of a tag's pixels for each unit: two whole numbers."""
    try:
        pixels, units = (exact(number) for number in resolution)  # type: ignore[attr-defined]
        return Decimal(f"{units / pixels:.{_DIGITS}g}")
    except (TypeError, ValueError, DecimalException):
        return None


def _tag_unit(code: object, step: Decimal | None) -> str:
    unit = _TAG_UNITS.get(int(code), "") if isinstance(code, int) else ""
    is_open = step is not None and abs(step - _NO_RESOLUTION) < Decimal("1e-6")
    return "" if unit == "inch" and is_open else unit


def _unescaped(text: object) -> str:
    """Return a unit with what ImageJ escapes, the sign for micro, as it is."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), str(text))
