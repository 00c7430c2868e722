"""Boxes that are asked for of labels: at one time point of level 0."""

from __future__ import annotations

from dataclasses import dataclass

from voxlake.api.data.opened import opened_dataset, opened_labels
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.requests.query import parse_box
from voxlake.ngff.grid.box import Box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class AskedBox:
    """A box of level 0 of labels, at one time point."""

    time: int
    zyx: Box
    is_whole: bool
    """Whether no range of z, y or x was given."""
    axes: tuple[str, ...]
    """Those of the dataset."""

    @property
    def whole(self) -> Box:
        """The same along all axes."""
        return self.along_axes(self.zyx)

    def along_axes(self, zyx: Box) -> Box:
        """Return another box of the time point along all axes of the dataset."""
        in_time = len(self.axes) > 3
        start, stop = ((self.time,), (self.time + 1,)) if in_time else ((), ())
        return Box((*start, *zyx.start), (*stop, *zyx.stop))


async def box_of(granted: Granted[ReadVoxels], ranges: dict[str, str]) -> AskedBox:
    """Return the box of level 0 that ranges by axis ask for, of labels; by default at time 0.

    Raises
    ------
    UnsupportedError
        If the dataset is an image, or has channels.
    InvalidInputError
        If they are no box of it, or one of several time points.
    OutOfBoundsError
        If it does not lie in the dataset.
    """
    labels = await opened_labels(granted)
    axes = (await opened_dataset(granted)).multiscale.axis_names
    given = {name: text for name, text in ranges.items() if name != "t"}
    text = ranges.get("t", "0")
    times = parse_box({"t": text}, ("t",), (labels.times or 1,))
    if times.size != 1:
        raise InvalidInputError(
            f"t={text} was asked for; labels are asked for at one time point, such as "
            f"t={times.start[0]}"
        )
    zyx = parse_box(given, axes[-3:], labels.volume.shape[-3:])
    return AskedBox(times.start[0], zyx, not given, axes)


async def times_of(granted: Granted[ReadVoxels]) -> int | None:
    """Return how many time points labels have; None: no axis of time."""
    return (await opened_labels(granted)).times
