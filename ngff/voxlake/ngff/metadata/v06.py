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
from voxlake.platform.errors import InvalidInputError


class CoordinateSystemDocument(Document):
    """A named set of axes."""

    name: str
    axes: tuple[AxisDocument, ...]


class SystemReference(Document):
    """The coordinate system that a transformation leads to."""

    name: str | None = None


class LevelScale(ScaleDocument):
    """A scale that leads from a level to a coordinate system."""

    output: SystemReference | str | None = None


class LevelIdentity(Document):
    """``{"type": "identity"}``."""

    type: Literal["identity"]
    output: SystemReference | str | None = None


class LevelSequence(Document):
    """Several transformations, applied in order."""

    type: Literal["sequence"]
    transformations: tuple[Transformation, ...]
    output: SystemReference | str | None = None


type LevelTransformation = Annotated[
    LevelScale | LevelIdentity | LevelSequence, Field(discriminator="type")
]


class DatasetDocument(Document):
    """One entry of ``datasets``: its one transform leads to the intrinsic coordinate system.

    "exactly one scale, identity or sequence" (NGFF 0.6, "multiscales" metadata).
    """

    path: str
    transformations: tuple[LevelTransformation] = Field(alias="coordinateTransformations")

    def steps(self) -> tuple[ScaleDocument | TranslationDocument, ...]:
        """Return the scales and translations that the transform consists of."""
        match self.transformations[0]:
            case LevelSequence(transformations=steps):
                return steps
            case LevelScale() as scale:
                return (scale,)
            case LevelIdentity():
                return ()

    def output(self) -> str | None:
        """Return the name of the coordinate system that the transform leads to, if it says."""
        output = self.transformations[0].output
        return output.name if isinstance(output, SystemReference) else output


class MultiscaleDocument(Document):
    """One entry of ``multiscales``."""

    name: str = ""
    type: str = ""
    systems: tuple[CoordinateSystemDocument, ...] = Field(alias="coordinateSystems", min_length=1)
    datasets: tuple[DatasetDocument, ...] = Field(min_length=1)

    def to_multiscale(self, version: str, *, is_labels: bool) -> Multiscale:
        """Return the model; its axes are those of the system that the levels lead to."""
        axes = tuple(axis.to_axis() for axis in self._intrinsic().axes)
        levels = tuple(
            Level(dataset.path, *fold(dataset.steps(), len(axes))) for dataset in self.datasets
        )
        return Multiscale(self.name, axes, levels, version, is_labels, self.type)

    def _intrinsic(self) -> CoordinateSystemDocument:
        named = {system.name: system for system in self.systems}
        outputs = {dataset.output() for dataset in self.datasets}
        if outputs == {None}:
            return self.systems[-1]
        if len(outputs) > 1 or not outputs <= named.keys():
            raise InvalidInputError(
                f"the levels of multiscale {self.name!r} lead to the coordinate systems "
                f"{sorted(map(str, outputs))} of {sorted(named)}, not to one of them"
            )
        return next(named[name] for name in outputs if name is not None)
