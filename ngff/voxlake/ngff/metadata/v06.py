"""The multiscales document of NGFF 0.6: named coordinate systems, one transform a level."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from voxlake.ngff.metadata.model import Level, Multiscale
from voxlake.ngff.metadata.v04 import (
    AxisDocument,
    Document,
    ScaleDocument,
    Transformation,
    TranslationDocument,
    fold,
)
from voxlake.platform.errors import UnsupportedError


class CoordinateSystemDocument(Document):
    """A named set of axes."""

    name: str
    axes: tuple[AxisDocument, ...]


class IdentityDocument(Document):
    """``{"type": "identity"}``."""

    type: Literal["identity"]


class SequenceDocument(Document):
    """Several transformations, applied in order."""

    type: Literal["sequence"]
    transformations: tuple[Transformation, ...]


type LevelTransformation = Annotated[
    ScaleDocument | TranslationDocument | IdentityDocument | SequenceDocument,
    Field(discriminator="type"),
]


class DatasetDocument(Document):
    """One entry of ``datasets``: its transform leads to the intrinsic coordinate system."""

    path: str
    transformations: tuple[LevelTransformation, ...] = Field(
        alias="coordinateTransformations", min_length=1, max_length=1
    )

    def steps(self) -> tuple[ScaleDocument | TranslationDocument, ...]:
        """Return the scales and translations that the transform consists of."""
        match self.transformations[0]:
            case SequenceDocument(transformations=steps):
                return steps
            case IdentityDocument():
                return ()
            case single:
                return (single,)


class MultiscaleDocument(Document):
    """One entry of ``multiscales``."""

    name: str = ""
    systems: tuple[CoordinateSystemDocument, ...] = Field(alias="coordinateSystems", min_length=1)
    datasets: tuple[DatasetDocument, ...] = Field(min_length=1)

    def to_multiscale(self, version: str, *, is_labels: bool) -> Multiscale:
        """Return the model; its axes are those of the last system, the intrinsic one."""
        axes = tuple(axis.to_axis() for axis in self.systems[-1].axes)
        if len({len(system.axes) for system in self.systems}) > 1:
            raise UnsupportedError(
                f"multiscale {self.name!r} has coordinate systems of different rank; "
                "voxlake reads those that its levels' axes fill"
            )
        levels = tuple(
            Level(dataset.path, *fold(dataset.steps(), len(axes))) for dataset in self.datasets
        )
        return Multiscale(self.name, axes, levels, version, is_labels)
