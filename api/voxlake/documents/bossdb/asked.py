"""What bossDB's clients ask of its resources; what they may not change is no field here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from voxlake.documents.bossdb.resources import BossUnit
from voxlake.documents.document import Question
from voxlake.documents.people.asked import Name
from voxlake.documents.places.asked import Length, Text

type Method = Literal["anisotropic", "isotropic"]
type TimeUnit = Literal["nanoseconds", "microseconds", "milliseconds", "seconds", ""]
Edge = Annotated[int, Field(ge=-(2**62), le=2**62)]
Levels = Annotated[int, Field(ge=1, le=64)]
Sibling = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Siblings = Annotated[tuple[Sibling, ...], Field(max_length=1000)]


class BossCollectionQuestion(Question):
    """A collection that is to be; its name is in the address."""

    name: str | None = None
    description: Text = ""
    public: bool = False


class BossCollectionChange(Question):
    """What is to be another of a collection; what is not given stays."""

    name: Name | None = None
    description: Text | None = None
    public: bool | None = None


class BossExperimentQuestion(BossCollectionQuestion):
    """An experiment that is to be: its channels are made by what is said here."""

    collection: str | None = None
    coord_frame: str
    num_hierarchy_levels: Levels = 1
    hierarchy_method: Method = "anisotropic"
    num_time_samples: int = Field(1, ge=1, le=2**31 - 1)
    time_step: int | None = Field(None, ge=0, le=2**31 - 1)
    time_step_unit: TimeUnit | None = None


class BossExperimentChange(BossCollectionChange):
    """What is to be another of an experiment; what is not given stays."""

    num_hierarchy_levels: Levels | None = None
    hierarchy_method: Method | None = None


class BossFrameQuestion(Question):
    """A coordinate frame that is to be."""

    name: str | None = None
    description: Text = ""
    x_start: Edge
    x_stop: Edge
    y_start: Edge
    y_stop: Edge
    z_start: Edge
    z_stop: Edge
    x_voxel_size: Length
    y_voxel_size: Length
    z_voxel_size: Length
    voxel_unit: BossUnit = "nanometers"


class BossFrameChange(Question):
    """What is to be another of a frame; what is not given stays."""

    name: Name | None = None
    description: Text | None = None


class BossChannelQuestion(BossCollectionQuestion):
    """A channel that is to be, in the extent of the frame of its experiment."""

    type: Literal["image", "annotation"]
    datatype: Literal["uint8", "uint16", "uint64"]
    base_resolution: int = Field(0, ge=0, le=99)
    default_time_sample: int = Field(0, ge=0, le=2**31 - 1)
    sources: Siblings = ()
    related: Siblings = ()


class BossChannelChange(BossCollectionChange):
    """What is to be another of a channel; what is not given stays."""

    base_resolution: int | None = Field(None, ge=0, le=99)
    default_time_sample: int | None = Field(None, ge=0, le=2**31 - 1)
    sources: Siblings | None = None
    related: Siblings | None = None
