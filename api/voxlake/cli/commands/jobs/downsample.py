"""``voxlake downsample``: the levels of a dataset, built anew."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from voxlake.cli.lake import opened_workspace
from voxlake.cli.options import Answering, InLake, Name, Running, parse_name
from voxlake.cli.work import run_or_queue
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Box


def downsample(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
    box: Annotated[
        list[str] | None,
        Parameter(
            metavar="Z0:Z1,Y0:Y1,X0:X1",
            help="Only what lies over these voxels of level 0, [Z0, Z1) and so on; may be given "
            "again. Images with times or channels: their ranges first.",
        ),
    ] = None,
) -> int:
    """Build levels 1 and above of a dataset anew from level 0."""
    from voxlake.compute.jobs import start_downsample

    dataset, boxes = parse_name(name), tuple(map(parse_box, box or ())) or None
    with opened_workspace(lake, cluster) as workspace:
        job = start_downsample(workspace, dataset, boxes)
        return run_or_queue(workspace, job, cluster, answering)


def parse_box(text: str) -> Box:
    """Return the box that `text` holds: a half-open range for each axis.

    Raises
    ------
    InvalidInputError
        If it is not at least three ranges of whole numbers, or one is empty.

    Examples
    --------
    >>> parse_box("0:64,10:20,0:128")
    Box(start=(0, 10, 0), stop=(64, 20, 128))
    """
    from voxlake.ngff.grid.box import Box

    ranges = [re.fullmatch(r"\s*(\d+):(\d+)\s*", part) for part in text.split(",")]
    pairs = [(int(ends[1]), int(ends[2])) for ends in ranges if ends]
    if len(pairs) < max(3, len(ranges)) or any(lo >= hi for lo, hi in pairs):
        raise InvalidInputError(
            f"box {text!r} is not a range for each axis; write z0:z1,y0:y1,x0:x1 such as "
            "0:64,128:192,0:512"
        )
    return Box(tuple(lo for lo, _ in pairs), tuple(hi for _, hi in pairs))
