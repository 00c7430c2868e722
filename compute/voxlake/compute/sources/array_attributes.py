"""What the attributes of an HDF5 dataset or a zarr array say of its axes and of its voxels' places.

Neither format has a way of its own for sizes; these are the conventions that programs keep:

* names of axes: ``axistags`` (vigra, Ilastik), ``axes``, ``axis_names`` (funlib),
  ``_ARRAY_DIMENSIONS`` (xarray);
* ``element_size_um`` (ImageJ's HDF5 plugin): z, y, x in micrometres;
* ``resolution`` or ``voxel_size``, with ``offset`` (CREMI, funlib): one number for each axis, or
  for each of space, in the order of the axes; in ``units`` or ``unit``, and in nanometres where
  there are none;
* the ``resolution`` in ``axistags``, in ``axis_units`` (Ilastik);
* ``transform`` (COSEM): ``axes``, ``scale``, ``translate`` and ``units``.

What they say of the values (``scale_factor``, ``add_offset`` and ``_Unsigned``, as netCDF and
xarray have them) is not undone, and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxlake.compute.sources.arrangement import axis_name
from voxlake.compute.sources.calibration import (
    AxisScale,
    Calibration,
    axis_scale,
    known_scales,
    scales_of,
)
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.platform.errors import SourceError

type Attributes = Mapping[str, Any]

_NAMES = ("axes", "axis_names", "_ARRAY_DIMENSIONS")
_CREMI_UNIT = "nanometer"
_AS_STORED = {"scale_factor": "1", "add_offset": "0", "_Unsigned": "false"}
"""What attributes say of values, and what leaves these as they are stored (NetCDF, CF 8.1)."""


def axis_names_of(attributes: Attributes) -> tuple[str, ...]:
    """Return the names of axes, in C order, that attributes have; none if they have none.

    Examples
    --------
    >>> axis_names_of({"axistags": '{"axes": [{"key": "z"}, {"key": "y"}, {"key": "x"}]}'})
    ('z', 'y', 'x')
    >>> axis_names_of({"axes": "ZYX"}), axis_names_of({"_ARRAY_DIMENSIONS": ["y", "x"]})
    (('Z', 'Y', 'X'), ('y', 'x'))
    """
    tags = _axis_tags(attributes)
    if tags:
        return tuple(str(tag.get("key")) for tag in tags)
    for key in _NAMES:
        names = _texts(attributes.get(key))
        if names:
            return tuple(names[0]) if len(names) == 1 else names
    return tuple(_texts(_object(attributes.get("transform")).get("axes")))


def check_unpacked(attributes: Attributes, what: str) -> None:
    """Raise SourceError if attributes say that the values are others than those that are stored.

    Examples
    --------
    >>> check_unpacked({"scale_factor": 1.0}, "it")
    >>> check_unpacked({"scale_factor": 0.5, "add_offset": 7}, "it")
    Traceback (most recent call last):
        ...
    voxlake.platform.errors.SourceError: it has packed values (scale_factor 0.5, add_offset 7), ...
    """
    said = {name: attributes[name] for name in _AS_STORED if name in attributes}
    packed = [f"{name} {value}" for name, value in said.items() if _is_packed(name, value)]
    if packed:
        raise SourceError(
            f"{what} has packed values ({', '.join(packed)}), which are not unpacked; save it as "
            "xarray.open_dataset reads it, or remove the attributes if they mean something else"
        )


def _is_packed(name: str, value: object) -> bool:
    word = np.asarray(value).ravel()
    if word.size != 1:
        return False  # a factor for each axis, say, which is another convention
    said, usual = word.astype(str)[0], _AS_STORED[name]
    try:
        return float(said) != float(usual)
    except ValueError:
        return bool(said.lower() != usual)


def calibration_of(attributes: Attributes, names: tuple[str, ...]) -> Calibration:
    """Return the calibration that attributes make for an array with axes of those `names`.

    Examples
    --------
    >>> cremi = {"resolution": [40, 4, 4], "offset": [1520, 3644, 3644]}
    >>> found = calibration_of(cremi, ("z", "y", "x"))
    >>> found.voxel_size, found.translation("nanometer")
    (VoxelSize(z=40.0, y=4.0, x=4.0, unit='nanometer'), (1520.0, 3644.0, 3644.0))
    """
    tags = _tag_scales(attributes)
    for scales in (
        _listed(attributes.get("element_size_um"), "micrometer", None, names),
        _resolution(attributes, names),
        transform_scales(attributes.get("transform")),
    ):
        if any(name in scales for name in SPATIAL):
            return Calibration(tags | scales)
    return Calibration(tags)


def transform_scales(transform: object) -> dict[str, AxisScale]:
    """Return the scales of a ``transform`` as COSEM writes it; none of anything else."""
    document = _object(transform)
    steps, units = _numbers(document.get("scale")), _texts(document.get("units"))
    names = tuple(map(axis_name, _texts(document.get("axes"))))
    return scales_of(names, steps, units, _numbers(document.get("translate")))


def _resolution(attributes: Attributes, names: tuple[str, ...]) -> dict[str, AxisScale]:
    sizes = attributes.get("resolution", attributes.get("voxel_size"))
    units = _texts(attributes.get("units", attributes.get("unit")))
    unit = units if len(units) > 1 else (units[0] if units else _CREMI_UNIT)
    # funlib lists them in the order of the array's axes, CREMI names no axes.
    order = tuple(name for name in names if name in SPATIAL)
    return _listed(sizes, unit, attributes.get("offset"), names, order)


def _listed(
    sizes: object,
    units: tuple[str, ...] | str,
    starts: object,
    names: tuple[str, ...],
    order: tuple[str, ...] = SPATIAL,
) -> dict[str, AxisScale]:
    """Return the scales of lists of the axes of space in that `order`, or of all axes."""
    steps = _numbers(sizes)
    space = order if len(order) == len(SPATIAL) else SPATIAL
    axes = names if len(steps) == len(names) and len(names) != len(SPATIAL) else space
    if len(steps) != len(axes):
        return {}
    places = _numbers(starts)
    return scales_of(axes, steps, units, places if len(places) == len(axes) else ())


def _tag_scales(attributes: Attributes) -> dict[str, AxisScale]:
    units = _object(attributes.get("axis_units"))
    made = {
        axis_name(tag.get("key")): axis_scale(
            tag.get("resolution", 0), tag.get("unit") or units.get(str(tag.get("key")))
        )
        for tag in _axis_tags(attributes)
    }
    return {name: scale for name, scale in known_scales(made).items() if scale.unit}


def _axis_tags(attributes: Attributes) -> list[dict[str, Any]]:
    axes = _object(attributes.get("axistags")).get("axes")
    return [tag for tag in axes if isinstance(tag, dict)] if isinstance(axes, list) else []


def _object(value: object) -> dict[str, Any]:
    """Return a JSON object, or the text of one; an empty one of anything else."""
    texts = () if isinstance(value, Mapping) else _texts(value)
    if len(texts) == 1:
        try:
            value = json.loads(texts[0])
        except ValueError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    """Return a text, or a list of texts, which HDF5 may keep as bytes or in an array."""
    if isinstance(value, str | bytes):
        value = [value]
    if not isinstance(value, list | tuple | np.ndarray):
        return ()
    flat = np.asarray(value, object).ravel().tolist()
    if not all(isinstance(each, str | bytes) for each in flat):
        return ()
    return tuple(
        each.decode(errors="replace") if isinstance(each, bytes) else each for each in flat
    )


def _numbers(value: object) -> tuple[object, ...]:
    """Return a list of numbers as they are, so that one of 32 bits keeps its digits."""
    if not isinstance(value, list | tuple | np.ndarray):
        return ()
    return tuple(np.asarray(value).ravel()) if isinstance(value, np.ndarray) else tuple(value)
