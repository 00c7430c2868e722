"""What a server of bossDB says of a channel: its type, where it lies, and its levels."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from voxlake.compute.sources.calibration import AxisScale, Calibration, axis_scale, known_scales
from voxlake.documents.bossdb.said import (
    ChannelSaid,
    ExperimentSaid,
    FrameSaid,
    LevelsSaid,
    channel_path,
    experiment_path,
    frame_path,
    levels_path,
)
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.units import exact
from voxlake.platform.errors import MetadataError, SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.bossdb.location import BossLocation
    from voxlake.compute.sources.bossdb.server import BossServer
    from voxlake.documents.bossdb.said import Triple


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
        return self.frame.start_at(self.factors)

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
    return server.document(ChannelSaid, channel_path(location.names))


def read_channel(server: BossServer, location: BossLocation, said: ChannelSaid) -> Channel:
    """Ask where a channel lies, and for its levels.

    Raises
    ------
    SourceError
        If it is not there, not for who asks, or what is said does not go together.
    """
    around = server.document(ExperimentSaid, experiment_path(location.names))
    frame = server.document(FrameSaid, frame_path(around))
    levels = server.document(LevelsSaid, levels_path(location.names))
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


def _level(
    levels: LevelsSaid, level: int, base: int, frame: FrameSaid, what: str
) -> tuple[Triple, Triple]:
    """Return the extents of a level and its factors, z, y, x."""
    there = [each for each in levels.numbers() if each >= base]
    if level not in there:
        named = ", ".join(map(str, there)) or "none"
        raise SourceError(f"{what} has no level {level}, but {named}; give one of these")
    try:
        return levels.shape(level), levels.factors(level, frame)
    except MetadataError as error:
        raise SourceError(f"{what} cannot be read: {error}") from error


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
