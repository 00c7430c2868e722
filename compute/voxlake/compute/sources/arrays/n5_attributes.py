"""The attributes of N5 datasets and groups: extents, the names of axes, voxel sizes.

N5 lists the fastest axis first: x, y, z. What names axes and sizes, in the order in which it is
asked:

* ``axes`` (Neuroglancer's way): in the order of ``dimensions``;
* ``transform.axes`` (COSEM's, also that of the first of the ``multiscales`` of a group): in C
  order, which is the reverse, unless they begin with x;
* neither: x, y, z, c, t, as many as there are.

Sizes and places: ``transform.scale`` and ``translate`` with ``units``; ``pixelResolution`` (N5
viewer), or ``resolution`` and ``offset`` (Paintera) with ``units``, times ``downsamplingFactors``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.compute.sources.arrangement import Arrangement, arrange_named, axis_name
from voxlake.compute.sources.array_attributes import transform_scales
from voxlake.compute.sources.calibration import AxisScale, Calibration, axis_scale, scales_of
from voxlake.ngff.grid.dtypes import NumberType
from voxlake.platform.errors import SourceError, UnsupportedError


class DatasetAttributes(BaseModel):
    """What every N5 dataset has."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    dimensions: tuple[int, ...]
    block: tuple[int, ...] = Field(alias="blockSize")
    data_type: NumberType = Field(alias="dataType")
    compression: dict[str, Any] | None = None

    @property
    def item_size(self) -> int:
        """Bytes of a voxel."""
        return np.dtype(self.data_type).itemsize

    @property
    def is_raw(self) -> bool:
        """Whether blocks are stored as they are."""
        return self.compression == {"type": "raw"}

    @property
    def packing(self) -> str:
        """How blocks are packed."""
        return str((self.compression or {}).get("type", ""))


type Documents = tuple[dict[str, Any], ...]
"""The attributes of a dataset, then those of its group if it was named by that."""


def parse_dataset(document: dict[str, Any], what: str) -> DatasetAttributes:
    """Return the attributes of a dataset.

    Raises
    ------
    SourceError
        If extents or block size are not there or do not fit one another.
    UnsupportedError
        If voxels have several labels.
    """
    try:
        attributes = DatasetAttributes.model_validate(document)
    except ValidationError as error:
        raise SourceError(f"{what} has wrong attributes ({error}); restore them") from error
    if document.get("isLabelMultiset"):
        raise UnsupportedError(
            f"{what} holds sets of labels for each voxel, as Paintera has them; convert it to one "
            "label for each (paintera-convert to-scalar)"
        )
    dimensions, block = attributes.dimensions, attributes.block
    if len(block) != len(dimensions) or min(block, default=0) < 1:
        raise SourceError(
            f"{what} has dimensions {dimensions} and the block size {block}; "
            "restore its attributes.json"
        )
    return attributes


def arrange_n5(dimensions: tuple[int, ...], documents: Documents, what: str) -> Arrangement:
    """Return the arrangement of a dataset with those `dimensions`, in their order.

    It is in doubt if names of axes are not understood.

    Raises
    ------
    SourceError
        If it has fewer than 2 axes, or an extent of 0.

    Examples
    --------
    >>> attributes = {"transform": {"axes": ["z", "y", "x"]}}
    >>> arrange_n5((30, 20, 10), (attributes,), "it").stored
    ('x', 'y', 'z')
    """
    for document in documents:
        for names in (_names(document.get("axes")), _transform_names(document)):
            if names:
                return arrange_named(names, dimensions, what)
    return arrange_named((), dimensions[::-1], what).turned


def _names(axes: object) -> tuple[str, ...]:
    return tuple(map(str, axes)) if isinstance(axes, list | str) else ()


def _transform_names(document: dict[str, Any]) -> tuple[str, ...]:
    transform = _transform(document)
    names = _names(transform.get("axes"))
    is_c_order = transform.get("ordering", "C") == "C" and tuple(map(axis_name, names[:1])) != (
        "x",
    )
    return names[::-1] if is_c_order else names


def _transform(document: dict[str, Any]) -> dict[str, Any]:
    """Return the transform of a dataset, or of the finest of a group; empty if there is none."""
    found: Any = document.get("transform")
    with suppress(KeyError, IndexError, TypeError):
        found = found or document["multiscales"][0]["datasets"][0]["transform"]
    return found if isinstance(found, dict) else {}


def n5_calibration(names: tuple[str, ...], documents: Documents) -> Calibration:
    """Return the calibration of a dataset with axes of those `names`, in the order stored.

    Examples
    --------
    >>> attributes = {"pixelResolution": {"dimensions": [4, 4, 40], "unit": "nm"}}
    >>> n5_calibration(("x", "y", "z"), (attributes,)).voxel_size
    VoxelSize(z=40.0, y=4.0, x=4.0, unit='nanometer')
    """
    for document in documents:
        scales = transform_scales(_transform(document)) or _resolution(names, document)
        if scales:
            return Calibration(scales)
    return Calibration()


def _resolution(names: tuple[str, ...], document: dict[str, Any]) -> dict[str, AxisScale]:
    sizes: Any = document.get("pixelResolution", document.get("resolution"))
    units: Any = document.get("units") or ""
    if isinstance(sizes, dict):
        sizes, units = sizes.get("dimensions"), str(sizes.get("unit") or "")
    if not isinstance(sizes, list) or not isinstance(units, list | str):
        return {}
    scales = scales_of(names, sizes, units, _offset(document, names))
    factors = document.get("downsamplingFactors")
    if not isinstance(factors, list):
        return scales
    return {
        name: _downsampled(scales[name], factor)
        for name, factor in zip(names, map(axis_scale, factors), strict=False)
        if name in scales and factor is not None
    }


def _offset(document: dict[str, Any], names: tuple[str, ...]) -> list[object]:
    """Return Paintera's place of the first voxel."""
    offset = document.get("offset")
    return offset if isinstance(offset, list) and len(offset) == len(names) else [0] * len(names)


def _downsampled(scale: AxisScale, factor: AxisScale) -> AxisScale:
    """Return the scale of a level, whose voxels lie in the middle of their blocks (N5 viewer)."""
    shift = (factor.step - 1) / 2 * scale.step
    return replace(scale, step=scale.step * factor.step, start=scale.start + shift)
