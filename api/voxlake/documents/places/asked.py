"""What is asked of collections, experiments, frames, and what is said of places."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from voxlake.documents.document import Question
from voxlake.documents.people.asked import Name
from voxlake.platform.names import NAME

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=65_536)]
Edge = Annotated[int, Field(strict=True, ge=-(2**62), le=2**62)]
Extent = Annotated[int, Field(strict=True, ge=1, le=2**62)]
Factor = Annotated[int, Field(strict=True, ge=1, le=64)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class CollectionQuestion(Question):
    """A collection that is to be."""

    name: Name
    description: Text = ""


class ExperimentQuestion(CollectionQuestion):
    """An experiment that is to be."""

    frame: Name | None = Field(None, description="The coordinate frame that it lies in.")


class CollectionChange(Question):
    """What is to be another of a collection; what is null stays."""

    name: Name | None = None
    description: Text | None = None


class ExperimentChange(CollectionChange):
    """What is to be another of an experiment; what is null stays."""

    frame: Name | None = None


class ValueQuestion(Question):
    """What is to be said under a key."""

    value: Text


class FrameQuestion(Question):
    """A coordinate frame that is to be; all is in the order z, y, x."""

    name: Name
    description: Text = ""
    start: tuple[Edge, Edge, Edge] = Field(description="The first voxel.")
    stop: tuple[Edge, Edge, Edge] = Field(description="The first that is beyond it.")
    voxel_size: tuple[Length, Length, Length] = Field(description="In its unit.")
    unit: Literal["nanometer", "micrometer", "millimeter", "centimeter"] = "nanometer"


class FrameChange(Question):
    """What is to be another of a frame; what is null stays."""

    name: Name | None = None
    description: Text | None = None


class RestoreQuestion(Question):
    """How something that was deleted is to be called."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME}(/{NAME}){{0,2}}$")] | None = Field(
        None, description="From the collection down; null: as it was called."
    )


class EmptyQuestion(Question):
    """A dataset without voxels that is to be; labels of an image have its shape, and levels."""

    kind: Literal["image", "labels"]
    dtype: (
        Literal["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "float32"] | None
    ) = Field(None, description="Of its voxels; null: of labels uint64.")
    of: Name | None = Field(None, description="The image of the experiment that labels belong to.")
    axes: tuple[Literal["t", "c", "z", "y", "x"], ...] = ("z", "y", "x")
    shape: tuple[Extent, ...] | None = Field(
        None, description="Voxels along each axis; of labels of an image it is compared with its."
    )
    voxel_size: tuple[Length, Length, Length] | None = Field(None, description="z, y, x.")
    unit: Name = Field("nanometer", description="Of the size of a voxel, as NGFF calls it.")
    translation: tuple[Finite, Finite, Finite] = Field(
        (0.0, 0.0, 0.0), description="Place of the first voxel z, y, x, in the unit."
    )
    time_step: Length | None = Field(None, description="From one time point to the next.")
    time_unit: Name | None = Field(None, description="Of the time step, as NGFF calls it.")
    levels: int | None = Field(
        None, ge=1, le=64, description="Null: until a level fits one chunk, or as the image has."
    )
    factors: tuple[tuple[Factor, Factor, Factor], ...] | None = Field(
        None,
        max_length=63,
        description="Of z, y, x from each level to the next, instead of `levels`.",
    )
    description: Text = ""


DatasetText = Annotated[str, StringConstraints(pattern=f"^{NAME}/{NAME}/{NAME}$")]


class ProvenanceQuestion(Question):
    """What a dataset was made from, and has to do with."""

    sources: tuple[DatasetText, ...] = Field(
        (), max_length=1000, description="Datasets that it was made from."
    )
    related: tuple[DatasetText, ...] = Field(
        (), max_length=1000, description="Datasets that it has to do with."
    )
