"""The multiscales document of NGFF 0.4, which 0.5 keeps word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from voxlake.ngff.grid.axes import Axis, AxisType
from voxlake.ngff.metadata.model import Level, Multiscale
from voxlake.ngff.metadata.transformations import (
    Document,
    Placement,
    Transformation,
    applied,
    check_level,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class AxisDocument(Document):
    """``axes``: "Each dictionary MUST contain the field name"; type and unit SHOULD be there."""

    name: str
    type: str | None = None
    unit: str | None = None

    def to_axis(self) -> Axis:
        """Return the axis; types other than time, channel and space become None."""
        known = {str(axis_type): axis_type for axis_type in AxisType}
        return Axis(self.name, known.get(self.type or ""), self.unit)


class DatasetDocument(Document):
    """One entry of ``datasets``: exactly one scale, then at most one translation."""

    path: str
    transformations: tuple[Transformation, ...] = Field(alias="coordinateTransformations")

    @field_validator("transformations")
    @classmethod
    def _one_scale(cls, value: tuple[Transformation, ...]) -> tuple[Transformation, ...]:
        check_level(value)
        return value


class MultiscaleDocument(Document):
    """One entry of ``multiscales``."""

    name: str = ""
    type: str = ""
    axes: tuple[AxisDocument, ...] = Field(min_length=2, max_length=5)
    datasets: tuple[DatasetDocument, ...] = Field(min_length=1)
    transformations: tuple[Transformation, ...] = Field(
        default=(), alias="coordinateTransformations"
    )
    """Applied to every level after its own."""

    def to_multiscale(self, version: str, *, is_labels: bool) -> Multiscale:
        """Return the model, the transformations of all levels folded into theirs.

        Raises
        ------
        UnsupportedError
            If they are no scales and translations.
        InvalidInputError
            If they, or the axes, contradict one another.
        """
        axes = tuple(axis.to_axis() for axis in self.axes)
        levels = tuple(
            placed(each.path, (*each.transformations, *self.transformations), len(axes))
            for each in self.datasets
        )
        return Multiscale(self.name, axes, levels, version, is_labels, self.type)


def placed(path: str, transformations: Sequence[Transformation], ndim: int) -> Level:
    """Return the level that the transformations place, whose array has `ndim` axes."""
    placement = applied(transformations, Placement.identity(ndim))
    return Level(path, placement.scale, placement.translation)
