"""What any server that speaks bossDB's API says of a channel, as far as its clients here need it.

It is checked, as it comes from servers of others, whose names may hold anything; more may be in it.
What a gateway says itself is in `voxlake.documents.bossdb.resources`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from voxlake.documents.document import Document
from voxlake.ngff.grid.dtypes import NumberType
from voxlake.platform.errors import MetadataError

type Extent = Annotated[int, Field(ge=1, le=1 << 62)]
type Size = Annotated[float, Field(ge=1e-12, le=1e15)]
type Edge = Annotated[int, Field(ge=-(1 << 62), le=1 << 62)]
type Triple = tuple[int, int, int]
type Names = tuple[str, str, str]
"""Of a collection, an experiment and a channel."""
type Description = Annotated[str, BeforeValidator(lambda said: "" if said is None else said)]
"""Null where nobody said anything."""

MOST_LEVELS = 100


class CollectionSaid(Document):
    """A collection."""

    description: Description = ""


class ExperimentSaid(Document):
    """An experiment."""

    coord_frame: str
    description: Description = ""
    num_time_samples: Annotated[int, Field(ge=1, le=1 << 40)] = 1
    time_step: Annotated[float, Field(allow_inf_nan=False)] | None = None
    time_step_unit: str | None = None


class ChannelSaid(Document):
    """A channel."""

    type: Literal["image", "annotation"]
    datatype: NumberType
    description: Description = ""
    base_resolution: Annotated[int, Field(ge=0, lt=MOST_LEVELS)] = 0
    sources: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    storage_type: str | None = None
    bucket: str | None = None
    cv_path: str | None = None


class FrameSaid(Document):
    """The frame of an experiment."""

    name: str
    description: Description = ""
    x_start: Edge
    x_stop: Edge
    y_start: Edge
    y_stop: Edge
    z_start: Edge
    z_stop: Edge
    x_voxel_size: Size
    y_voxel_size: Size
    z_voxel_size: Size
    voxel_unit: str

    @property
    def start(self) -> Triple:
        """The first voxel, z, y, x."""
        return self.z_start, self.y_start, self.x_start

    @property
    def stop(self) -> Triple:
        """The first voxel beyond it, z, y, x."""
        return self.z_stop, self.y_stop, self.x_stop

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Of level 0, z, y, x in `voxel_unit`."""
        return self.z_voxel_size, self.y_voxel_size, self.x_voxel_size

    def start_at(self, factors: Triple) -> Triple:
        """Return the first voxel, z, y, x, of a level with these factors to level 0."""
        z, y, x = (first // factor for first, factor in zip(self.start, factors, strict=True))
        return z, y, x


class LevelsSaid(Document):
    """The levels of a channel: triples x, y, z by their number."""

    extent: dict[str, tuple[Extent, Extent, Extent]]
    voxel_size: dict[str, tuple[Size, Size, Size]]

    def numbers(self) -> tuple[int, ...]:
        """Return the levels of which both are said, ascending."""
        both = self.extent.keys() & self.voxel_size.keys()
        return tuple(number for number in range(MOST_LEVELS) if str(number) in both)

    def shape(self, level: int) -> Triple:
        """Return the voxels of a level, z, y, x."""
        return self.extent[str(level)][::-1]

    def factors(self, level: int, frame: FrameSaid) -> Triple:
        """Return how many voxels of level 0 one of a level is long, z, y, x.

        Raises
        ------
        MetadataError
            If they are no whole numbers, nor about such.
        """
        finest = self.voxel_size.get("0", frame.voxel_size[::-1])
        sizes = zip(self.voxel_size[str(level)], finest, strict=True)
        ratios = [size / least for size, least in sizes]
        x, y, z = factors = list(map(round, ratios))
        pairs = zip(factors, ratios, strict=True)
        if min(factors) < 1 or not all(math.isclose(n, r, rel_tol=1e-3) for n, r in pairs):
            raise MetadataError(
                f"voxels of level {level} are {ratios} times as long as those of level 0 along "
                "x, y, z, and not whole numbers of them"
            )
        return z, y, x


class KeysSaid(Document):
    """The keys of a place that have a value."""

    keys: tuple[str, ...]


class ValueSaid(Document):
    """The value of a key."""

    value: str


class RefusalSaid(Document):
    """Why something is refused, of bossDB or of what stands between."""

    message: str | None = None
    detail: str | None = None


def collection_path(names: tuple[str, ...]) -> str:
    """Return the address of a collection."""
    return f"/v1/collection/{quote(names[0], safe='')}"


def experiment_path(names: tuple[str, ...]) -> str:
    """Return the address of an experiment.

    Examples
    --------
    >>> experiment_path(("lab", "a brain"))
    '/v1/collection/lab/experiment/a%20brain'
    """
    return f"{collection_path(names)}/experiment/{quote(names[1], safe='')}"


def channel_path(names: Names) -> str:
    """Return the address of a channel."""
    return f"{experiment_path(names)}/channel/{quote(names[2], safe='')}"


def frame_path(experiment: ExperimentSaid) -> str:
    """Return the address of the frame of an experiment."""
    return f"/v1/coord/{quote(experiment.coord_frame, safe='')}"


def levels_path(names: Names) -> str:
    """Return the address of the levels of a channel."""
    return f"/v1/downsample/{'/'.join(quote(name, safe='') for name in names)}"
