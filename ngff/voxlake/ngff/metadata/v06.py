"""The multiscales document of NGFF 0.6: named coordinate systems, one transform a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from voxlake.ngff.metadata.model import Multiscale
from voxlake.ngff.metadata.systems import Link, follow, reference
from voxlake.ngff.metadata.transformations import (
    Document,
    IdentityDocument,
    ScaleDocument,
    SequenceDocument,
    SystemReference,
    Transformation,
    TransformationDocument,
    check_level,
)
from voxlake.ngff.metadata.v04 import AxisDocument, placed
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.grid.axes import Axis


class CoordinateSystemDocument(Document):
    """A named set of axes."""

    name: str
    axes: tuple[AxisDocument, ...]


class DatasetDocument(Document):
    """One entry of ``datasets``: its one transform leads to the intrinsic coordinate system.

    It is "a single scale, identity or sequence of a scale followed by a translation" (NGFF 0.6,
    "coordinateTransformations" metadata).
    """

    path: str
    transformations: tuple[Transformation] = Field(alias="coordinateTransformations")

    @field_validator("transformations")
    @classmethod
    def _scale_or_identity(cls, value: tuple[Transformation]) -> tuple[Transformation]:
        match value[0]:
            case IdentityDocument() | ScaleDocument():
                pass
            case SequenceDocument(transformations=steps):
                check_level(steps)
            case TransformationDocument(type=kind):
                raise InvalidInputError(f"a level has the transformation {kind}, and no scale")
        return value

    @property
    def output(self) -> str | None:
        """Name of the coordinate system that the transform leads to, if it says."""
        return reference(self.transformations[0].output).name


class RelationsDocument(Document):
    """Coordinate systems and transformations between them: of an image, or of a scene."""

    systems: tuple[CoordinateSystemDocument, ...] = Field(default=(), alias="coordinateSystems")
    transformations: tuple[Transformation, ...] = Field(
        default=(), alias="coordinateTransformations"
    )

    @field_validator("systems")
    @classmethod
    def _named_once(
        cls, value: tuple[CoordinateSystemDocument, ...]
    ) -> tuple[CoordinateSystemDocument, ...]:
        if len({system.name for system in value}) < len(value):
            raise InvalidInputError("two coordinate systems have one name")
        return value

    def systems_at(self, path: str | None) -> dict[SystemReference, tuple[Axis, ...]]:
        """Return the axes of the coordinate systems of a group at `path`."""
        return {
            SystemReference(name=system.name, path=path): tuple(a.to_axis() for a in system.axes)
            for system in self.systems
        }

    def links_at(self, path: str | None) -> Iterator[Link]:
        """Yield the transformations that a group at `path` has, but those to groups below it."""
        for transformation in self.transformations:
            link = Link.of(transformation, path)
            if link.start.path == link.end.path == path:
                yield link


class MultiscaleDocument(RelationsDocument):
    """One entry of ``multiscales``."""

    name: str = ""
    type: str = ""
    systems: tuple[CoordinateSystemDocument, ...] = Field(alias="coordinateSystems", min_length=1)
    datasets: tuple[DatasetDocument, ...] = Field(min_length=1)

    def to_multiscale(self, version: str, *, is_labels: bool) -> Multiscale:
        """Return the model, in the coordinate system that the further transformations lead to.

        Raises
        ------
        InvalidInputError
            If levels, systems and transformations contradict one another.
        """
        found = self.in_intrinsic(version, is_labels=is_labels)
        return follow(found, None, self.systems_at(None), tuple(self.links_at(None)))

    def in_intrinsic(self, version: str, *, is_labels: bool) -> Multiscale:
        """Return the model in the coordinate system that its levels lead to."""
        name = self._intrinsic()
        axes = self.systems_at(None)[reference(name)]
        levels = tuple(placed(each.path, each.transformations, len(axes)) for each in self.datasets)
        return Multiscale(self.name, axes, levels, version, is_labels, self.type, name)

    def _intrinsic(self) -> str:
        outputs = {dataset.output for dataset in self.datasets}
        names = [system.name for system in self.systems]
        if outputs == {None}:
            return names[-1]
        if len(outputs) > 1 or not outputs <= {*names}:
            raise InvalidInputError(
                f"the levels of multiscale {self.name!r} lead to the coordinate systems "
                f"{sorted(map(str, outputs))} of {sorted(names)}, not to one of them"
            )
        return str(outputs.pop())
