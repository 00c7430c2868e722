"""What is asked of collections, experiments, frames, and what is said of places."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from voxlake.documents.asked_of_people import Name
from voxlake.documents.document import Question
from voxlake.platform.names import NAME

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=65_536)]
Edge = Annotated[int, Field(strict=True, ge=-(2**62), le=2**62)]
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


DatasetText = Annotated[str, StringConstraints(pattern=f"^{NAME}/{NAME}/{NAME}$")]


class ProvenanceQuestion(Question):
    """What a dataset was made from, and has to do with."""

    sources: tuple[DatasetText, ...] = Field(
        (), max_length=1000, description="Datasets that it was made from."
    )
    related: tuple[DatasetText, ...] = Field(
        (), max_length=1000, description="Datasets that it has to do with."
    )
