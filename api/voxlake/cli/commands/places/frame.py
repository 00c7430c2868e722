"""``voxlake frame``: where in the world experiments lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.commands.places.changes import Said
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.places import shown_frames
from voxlake.documents.places.places import FrameList, frame_document
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.errors import InvalidInputError

frame = App(name="frame", help="Coordinate frames: list them, make, change or delete one.")

type FrameName = Annotated[str, Parameter(name="FRAME", help="Its name.")]


@frame.default
@frame.command(name="ls")
def ls(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the coordinate frames of a lake."""
    with opened_catalog(lake) as catalog:
        frames = catalog.frames.list_all()
    _answer(frames, answering)


@frame.command
def add(
    name: FrameName,
    ranges: Annotated[
        str, Parameter(name="RANGES", help="START:STOP in voxels of z, y and x: 0:100,-5:20,0:9.")
    ],
    voxel_size: Annotated[
        str, Parameter(name="SIZE", help="Of a voxel along z, y and x, or along each: 40,8,8nm.")
    ],
    /,
    *,
    said: Said = Said(),
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make a coordinate frame, for experiments to lie in."""
    size = VoxelSize.parse(voxel_size)
    made = Frame(name, *_ranges(ranges), size.zyx, size.unit or "", said.description)
    with opened_catalog(lake) as catalog:
        made = catalog.frames.add(made, owner=said.owner)
    _answer([made], answering)


@frame.command
def update(
    name: FrameName,
    /,
    *,
    to: Annotated[str | None, Parameter(name="--name", help="Its new name.")] = None,
    description: Annotated[str | None, Parameter(help="What it is, for people.")] = None,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Give a frame another name or description; experiments stay in it."""
    with opened_catalog(lake) as catalog:
        changed = catalog.frames.change(name, to=to, description=description)
    _answer([changed], answering)


@frame.command
def rm(name: FrameName, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Delete a frame in which no experiment lies."""
    with opened_catalog(lake) as catalog:
        removed = catalog.frames.get(name)
        catalog.frames.remove(name)
    _answer([removed], answering)


def _answer(frames: Sequence[Frame], answering: Answering) -> None:
    document = FrameList(frames=tuple(map(frame_document, frames)))
    answer(document, shown_frames(document.frames), json=answering.json)


def _ranges(text: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the first voxel, and the first beyond, in the order z, y, x."""
    try:
        (z, z_stop), (y, y_stop), (x, x_stop) = (
            tuple(map(int, part.split(":"))) for part in text.split(",")
        )
    except ValueError as error:
        raise InvalidInputError(
            f"{text!r} is no extent of a frame; write START:STOP,START:STOP,START:STOP for z, y, x"
        ) from error
    return (z, y, x), (z_stop, y_stop, x_stop)
