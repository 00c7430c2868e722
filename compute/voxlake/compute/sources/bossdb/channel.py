"""What a server of bossDB says of a channel: its type, where it lies, and its levels."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

import numpy as np
from pydantic import BeforeValidator, Field

from voxlake.compute.sources.bossdb.server import BossDocument
from voxlake.compute.sources.calibration import AxisScale, Calibration, axis_scale, known_scales
from voxlake.compute.sources.source import NumberType
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.units import exact
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.bossdb.location import BossLocation
    from voxlake.compute.sources.bossdb.server import BossServer

type _Extent = Annotated[int, Field(gt=0, le=1 << 62)]
type _Size = Annotated[float, Field(ge=1e-12, le=1e15)]
type _Place = Annotated[int, Field(ge=-(1 << 62), le=1 << 62)]
type Triple = tuple[int, int, int]
type Description = Annotated[str, BeforeValidator(lambda said: "" if said is None else said)]
"""Null where nobody said anything."""


class ChannelSaid(BossDocument):
    """A channel."""

    type: Literal["image", "annotation"]
    datatype: NumberType
    description: Description = ""
    base_resolution: Annotated[int, Field(ge=0, le=99)] = 0
    sources: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    storage_type: str | None = None
    bucket: str | None = None
    cv_path: str | None = None


class ExperimentSaid(BossDocument):
    """The experiment of a channel."""

    coord_frame: str
    description: Description = ""
    num_time_samples: Annotated[int, Field(gt=0, le=1 << 40)] = 1
    time_step: Annotated[float, Field(allow_inf_nan=False)] | None = None
    time_step_unit: str | None = None


class FrameSaid(BossDocument):
    """The frame of an experiment."""

    name: str
    description: Description = ""
    x_start: _Place
    x_stop: _Place
    y_start: _Place
    y_stop: _Place
    z_start: _Place
    z_stop: _Place
    x_voxel_size: _Size
    y_voxel_size: _Size
    z_voxel_size: _Size
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


class LevelsSaid(BossDocument):
    """The levels of a channel: triples x, y, z by their number."""

    extent: dict[str, tuple[_Extent, _Extent, _Extent]]
    voxel_size: dict[str, tuple[_Size, _Size, _Size]]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, as far as one level of it is read."""

    location: BossLocation
    said: ChannelSaid
    experiment: ExperimentSaid
    frame: FrameSaid
    level: int
    shape: Triple
    """Voxels of the level, z, y, x."""
    factors: Triple
    """How many voxels of the frame one of the level is long, z, y, x."""

    @property
    def times(self) -> tuple[int, int]:
        """The time points that are read."""
        return self.location.times or (0, self.experiment.num_time_samples)

    @property
    def start(self) -> Triple:
        """The first voxel of the level in the coordinates of cutouts, z, y, x."""
        z, y, x = (lo // n for lo, n in zip(self.frame.start, self.factors, strict=True))
        return z, y, x

    @property
    def calibration(self) -> Calibration:
        """Where the voxels lie: the centre of voxel 0 of level 0 of the frame is the origin."""
        sizes = map(exact, self.frame.voxel_size)
        axes = zip(SPATIAL, self.start, self.factors, sizes, strict=True)
        scales = {
            name: AxisScale(
                size * factor,
                self.frame.voxel_unit,
                size * (start * factor + Decimal(factor - 1) / 2),
            )
            for name, start, factor, size in axes
        }
        step, unit = self.experiment.time_step, self.experiment.time_step_unit
        time = None if step is None else axis_scale(step, unit, exact(step) * self.times[0])
        return Calibration(scales | known_scales({"t": time}))


def read_said(server: BossServer, location: BossLocation) -> ChannelSaid:
    """Ask what a channel is; raise SourceError if it is not there, or not for who asks."""
    name = quote(location.names[2], safe="")
    return server.document(ChannelSaid, f"{experiment_path(location)}/channel/{name}")


def read_channel(server: BossServer, location: BossLocation, said: ChannelSaid) -> Channel:
    """Ask where a channel lies, and for its levels.

    Raises
    ------
    SourceError
        If it is not there, not for who asks, or what is said does not go together.
    """
    around = server.document(ExperimentSaid, experiment_path(location))
    frame = server.document(FrameSaid, f"/v1/coord/{quote(around.coord_frame, safe='')}")
    levels = server.document(LevelsSaid, f"/v1/downsample/{location.resource}")
    what = f"channel {'/'.join(location.names)} of {location.server}"
    level = said.base_resolution if location.level is None else location.level
    shape, factors = _level(levels, level, said.base_resolution, frame, what)
    channel = Channel(location, said, around, frame, level, shape, factors)
    _check_extent(channel, what)
    if channel.times[1] > around.num_time_samples:
        raise SourceError(
            f"{what} has the time points 0:{around.num_time_samples}, and "
            f"{channel.times[0]}:{channel.times[1]} were asked for; give others"
        )
    return channel


def experiment_path(location: BossLocation) -> str:
    """Return the address of the experiment of a channel."""
    collection, experiment, _ = (quote(each, safe="") for each in location.names)
    return f"/v1/collection/{collection}/experiment/{experiment}"


def _level(
    levels: LevelsSaid, level: int, base: int, frame: FrameSaid, what: str
) -> tuple[Triple, Triple]:
    """Return the extents of a level and its factors, z, y, x."""
    number = str(level)
    if level < base or number not in levels.extent or number not in levels.voxel_size:
        numbers = (int(each) for each in levels.extent if each.isdecimal() and len(each) < 4)
        there = ", ".join(str(each) for each in sorted(numbers) if each >= base)
        raise SourceError(f"{what} has no level {level}, but {there or 'none'}; give one of these")
    finest = levels.voxel_size.get("0", frame.voxel_size[::-1])
    ratios = [size / least for size, least in zip(levels.voxel_size[number], finest, strict=True)]
    x, y, z = factors = list(map(round, ratios))
    if min(factors) < 1 or not np.allclose(factors, ratios, rtol=1e-3):
        raise SourceError(
            f"voxels of level {level} of {what} are {ratios} times as long as those of level 0 "
            "along x, y, z, and not whole numbers of them; it cannot be read"
        )
    return levels.extent[number][::-1], (z, y, x)


def _check_extent(channel: Channel, what: str) -> None:
    """Raise SourceError if the level has more voxels than the frame has room for."""
    frame = channel.frame
    room = [hi - lo for lo, hi in zip(frame.start, frame.stop, strict=True)]
    if any(
        n * f - f + 1 > most
        for n, f, most in zip(channel.shape, channel.factors, room, strict=True)
    ):
        raise SourceError(
            f"{what} says that level {channel.level} has {channel.shape} voxels z, y, x, and that "
            f"its frame {frame.name} is {tuple(room)}, which holds fewer; have that mended"
        )
