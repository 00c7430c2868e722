"""The multiscales document of NGFF 0.4, which 0.5 keeps word for word."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from voxlake.ngff.grid.axes import Axis, AxisType
from voxlake.ngff.metadata.model import Level, Multiscale


class Document(BaseModel):
    """A frozen part of a document; keys that the spec does not name are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class AxisDocument(Document):
    """``axes``: "Each dictionary MUST contain the field name"; type and unit SHOULD be there."""

    name: str
    type: str | None = None
    unit: str | None = None

    def to_axis(self) -> Axis:
        """Return the axis; types other than time, channel and space become None."""
        known = {str(axis_type): axis_type for axis_type in AxisType}
        return Axis(self.name, known.get(self.type or ""), self.unit)


class ScaleDocument(Document):
    """``{"type": "scale", "scale": [...]}``."""

    type: Literal["scale"]
    scale: tuple[float, ...]


class TranslationDocument(Document):
    """``{"type": "translation", "translation": [...]}``."""

    type: Literal["translation"]
    translation: tuple[float, ...]


type Transformation = Annotated[ScaleDocument | TranslationDocument, Field(discriminator="type")]


class DatasetDocument(Document):
    """One entry of ``datasets``: exactly one scale, then at most one translation."""

    path: str
    transformations: tuple[Transformation, ...] = Field(
        alias="coordinateTransformations", min_length=1, max_length=2
    )


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
        """Return the model, the transformations of all levels folded into theirs."""
        levels = []
        for dataset in self.datasets:
            scale, translation = fold(
                (*dataset.transformations, *self.transformations), len(self.axes)
            )
            levels.append(Level(dataset.path, scale, translation))
        axes = tuple(axis.to_axis() for axis in self.axes)
        return Multiscale(self.name, axes, tuple(levels), version, is_labels, self.type)


def fold(
    transformations: tuple[ScaleDocument | TranslationDocument, ...], ndim: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the one scale and translation that applying all in order amounts to."""
    scale, translation = (1.0,) * ndim, (0.0,) * ndim
    for step in transformations:
        if isinstance(step, ScaleDocument):
            scale = tuple(a * b for a, b in zip(scale, step.scale, strict=True))
            translation = tuple(a * b for a, b in zip(translation, step.scale, strict=True))
        else:
            translation = tuple(a + b for a, b in zip(translation, step.translation, strict=True))
    return scale, translation
