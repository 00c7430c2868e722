"""The attributes of N5 datasets and groups: extents, the names of axes, voxel sizes.

N5 lists the fastest axis first: x, y, z. What names axes and sizes, in the order in which it is
asked:

* ``axes`` (Neuroglancer's way): in the order of ``dimensions``;
* ``transform.axes`` (COSEM's): in C order, which is the reverse, unless they begin with x;
* neither: x, y, z, c, t, as many as there are.

Voxel sizes: ``transform.scale`` with ``units``; ``pixelResolution`` (N5 viewer), ``resolution``
with ``units`` (Paintera), both times ``downsamplingFactors``.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.compute.sources.arrangement import Arrangement, arrange
from voxlake.ngff.grid.axes import AXIS_TYPES, VoxelSize, parse_unit
from voxlake.platform.errors import InvalidInputError, SourceError

_BY_RANK = {2: "xy", 3: "xyz", 4: "xyzc", 5: "xyzct"}

_Document = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class DatasetAttributes(BaseModel):
    """What every N5 dataset has."""

    model_config = _Document

    dimensions: tuple[int, ...]
    block: tuple[int, ...] = Field(alias="blockSize")
    data_type: Literal[
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "float32",
        "float64",
    ] = Field(alias="dataType")
    compression: dict[str, Any] | None = None

    @property
    def item_size(self) -> int:
        """Bytes of a voxel."""
        return np.dtype(self.data_type).itemsize

    @property
    def is_raw(self) -> bool:
        """Whether blocks are stored as they are."""
        return self.compression == {"type": "raw"}


class CosemTransform(BaseModel):
    """The attribute ``transform``."""

    model_config = _Document

    axes: tuple[str, ...]
    scale: tuple[float, ...]
    units: tuple[str, ...]
    ordering: str = "C"


class PixelResolution(BaseModel):
    """The attribute ``pixelResolution`` where it is an object."""

    model_config = _Document

    dimensions: tuple[float, ...]
    unit: str


class Spacing(BaseModel):
    """Sizes in the order of the dimensions, with one unit for each."""

    model_config = _Document

    sizes: tuple[float, ...]
    units: tuple[str, ...]


def parse_dataset(document: dict[str, Any], what: str) -> DatasetAttributes:
    """Return the attributes of a dataset.

    Raises
    ------
    SourceError
        If extents or block size are not there or do not fit one another.
    """
    try:
        found = DatasetAttributes.model_validate(document)
    except ValidationError as error:
        raise SourceError(f"{what} has wrong attributes ({error}); restore them") from error
    if len(found.block) != len(found.dimensions) or min(found.block, default=0) < 1:
        raise SourceError(
            f"{what} has dimensions {found.dimensions} and the block size {found.block}; "
            "restore its attributes.json"
        )
    return found


def arrange_n5(
    dimensions: tuple[int, ...], documents: tuple[dict[str, Any], ...], what: str
) -> Arrangement:
    """Return the arrangement of a dataset with those `dimensions`.

    `documents` are its own attributes and those of its group. Names that do not fit are passed
    over.

    Raises
    ------
    SourceError
        If nothing names its axes and it has fewer than 2 or more than 5.

    Examples
    --------
    >>> attributes = {"transform": {"axes": ["z", "y", "x"]}}
    >>> arrange_n5((30, 20, 10), (attributes,), "it").stored
    ('x', 'y', 'z')
    """
    rank = len(dimensions)
    for document in documents:
        for names in (_names(document.get("axes")), _transform_names(document)):
            if len(names) == rank and set(names) <= set(AXIS_TYPES):
                return arrange(names, dimensions, what)
    return arrange(_BY_RANK.get(rank, ""), dimensions, what)


def _names(found: object) -> tuple[str, ...]:
    return tuple(str(name).lower() for name in found) if isinstance(found, list) else ()


def _transform_names(document: dict[str, Any]) -> tuple[str, ...]:
    transform = document.get("transform")
    if not isinstance(transform, dict):
        return ()
    names = _names(transform.get("axes"))
    is_c_order = transform.get("ordering", "C") == "C" and names[:1] != ("x",)
    return names[::-1] if is_c_order else names


def n5_voxel_size(
    names: tuple[str, ...], documents: tuple[dict[str, Any], ...]
) -> VoxelSize | None:
    """Return the voxel size of a dataset with axes of those `names`, in the order stored.

    None unless z, y and x all have a size and the same unit of length.

    Examples
    --------
    >>> attributes = {"pixelResolution": {"dimensions": [4, 4, 40], "unit": "nm"}}
    >>> n5_voxel_size(("x", "y", "z"), (attributes,))
    VoxelSize(z=40.0, y=4.0, x=4.0, unit='nanometer')
    """
    for document in documents:
        for found in (_of_transform(document), _of_resolution(names, document)):
            if found is not None:
                return found
    return None


def _of_transform(document: dict[str, Any]) -> VoxelSize | None:
    try:
        transform = CosemTransform.model_validate(document.get("transform"))
        return _size(transform.axes, transform.scale, transform.units)
    except (ValidationError, ValueError, KeyError):
        return None


def _of_resolution(names: tuple[str, ...], document: dict[str, Any]) -> VoxelSize | None:
    try:
        spacing = _spacing(document, len(names))
        factors = document.get("downsamplingFactors")
        if not (isinstance(factors, list) and all(isinstance(n, int | float) for n in factors)):
            factors = [1] * len(names)
        sizes = [size * factor for size, factor in zip(spacing.sizes, factors, strict=False)]
        return _size(names, tuple(sizes), spacing.units)
    except (ValidationError, ValueError, KeyError):
        return None


def _spacing(document: dict[str, Any], rank: int) -> Spacing:
    found = document.get("pixelResolution", document.get("resolution"))
    if isinstance(found, dict):
        resolution = PixelResolution.model_validate(found)
        return Spacing(sizes=resolution.dimensions, units=(resolution.unit,) * rank)
    return Spacing.model_validate({"sizes": found, "units": document.get("units")})


def _size(
    names: tuple[str, ...], sizes: tuple[float, ...], units: tuple[str, ...]
) -> VoxelSize | None:
    known = dict(
        zip((name.lower() for name in names), zip(sizes, units, strict=False), strict=False)
    )
    (z, z_unit), (y, y_unit), (x, x_unit) = (known[name] for name in "zyx")
    found = {parse_unit(unit) for unit in (z_unit, y_unit, x_unit)}
    if len(found) > 1:
        raise InvalidInputError(f"axes have different units: {found}")
    return VoxelSize(z, y, x, found.pop())
