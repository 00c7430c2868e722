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

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.compute.sources.arranged_source import complete_voxel_size
from voxlake.compute.sources.arrangement import Arrangement, arrange
from voxlake.compute.sources.source import NumberType
from voxlake.ngff.grid.axes import AXIS_TYPES
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.ngff.grid.axes import VoxelSize

_BY_RANK = {2: "xy", 3: "xyz", 4: "xyzc", 5: "xyzct"}


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


type Documents = tuple[dict[str, Any], ...]
"""The attributes of a dataset, then those of its group if it was named by that."""


def parse_dataset(document: dict[str, Any], what: str) -> DatasetAttributes:
    """Return the attributes of a dataset.

    Raises
    ------
    SourceError
        If extents or block size are not there or do not fit one another.
    """
    try:
        attributes = DatasetAttributes.model_validate(document)
    except ValidationError as error:
        raise SourceError(f"{what} has wrong attributes ({error}); restore them") from error
    dimensions, block = attributes.dimensions, attributes.block
    if len(block) != len(dimensions) or min(block, default=0) < 1:
        raise SourceError(
            f"{what} has dimensions {dimensions} and the block size {block}; "
            "restore its attributes.json"
        )
    return attributes


def arrange_n5(dimensions: tuple[int, ...], documents: Documents, what: str) -> Arrangement:
    """Return the arrangement of a dataset with those `dimensions`.

    Names that do not fit are passed over.

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


def _names(axes: object) -> tuple[str, ...]:
    return tuple(str(name).lower() for name in axes) if isinstance(axes, list) else ()


def _transform_names(document: dict[str, Any]) -> tuple[str, ...]:
    transform = document.get("transform")
    if not isinstance(transform, dict):
        return ()
    names = _names(transform.get("axes"))
    is_c_order = transform.get("ordering", "C") == "C" and names[:1] != ("x",)
    return names[::-1] if is_c_order else names


def n5_voxel_size(names: tuple[str, ...], documents: Documents) -> VoxelSize | None:
    """Return the voxel size of a dataset with axes of those `names`, in the order stored.

    None unless z, y and x all have a size and the same unit of length.

    Examples
    --------
    >>> attributes = {"pixelResolution": {"dimensions": [4, 4, 40], "unit": "nm"}}
    >>> n5_voxel_size(("x", "y", "z"), (attributes,))
    VoxelSize(z=40.0, y=4.0, x=4.0, unit='nanometer')
    """
    for document in documents:
        size = _transform_size(document) or _resolution_size(names, document)
        if size is not None:
            return size
    return None


def _transform_size(document: dict[str, Any]) -> VoxelSize | None:
    transform = document.get("transform")
    if not isinstance(transform, dict):
        return None
    names = _names(transform.get("axes"))
    return _size(names, transform.get("scale"), transform.get("units"))


def _resolution_size(names: tuple[str, ...], document: dict[str, Any]) -> VoxelSize | None:
    sizes: Any = document.get("pixelResolution", document.get("resolution"))
    units: Any = document.get("units")
    if isinstance(sizes, dict):
        sizes, units = sizes.get("dimensions"), [sizes.get("unit")] * len(names)
    factors = document.get("downsamplingFactors")
    if not (isinstance(factors, list) and all(isinstance(n, int | float) for n in factors)):
        factors = [1] * len(names)
    try:
        sizes = [float(size) * factor for size, factor in zip(sizes, factors, strict=False)]
    except (TypeError, ValueError):  # no list, or not of numbers
        return None
    return _size(names, sizes, units)


def _size(names: tuple[str, ...], sizes: Any, units: Any) -> VoxelSize | None:
    """Return the voxel size that lists in the order of `names` make, if they are lists."""
    if not (isinstance(sizes, list) and isinstance(units, list)):
        return None
    by_axis = [dict(zip(names, each, strict=False)) for each in (sizes, units)]
    return complete_voxel_size(*by_axis)
