"""``voxlake downsample``: the levels of a dataset, built anew."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, Flag, InLake, Name, Running
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName


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
    stale: Annotated[
        Flag, Parameter(help="Only what lies over voxels that were written to since.")
    ] = False,
) -> int:
    """Build levels 1 and above of a dataset anew from level 0."""
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.cli.work import run_or_queue
        from voxlake.compute.jobs import start_downsample
        from voxlake.ngff.grid.ranges import parse_box

    if stale and box:
        raise InvalidInputError("--box and --stale both say what is built; give one of them")
    dataset, boxes = DatasetName.parse(name), tuple(map(parse_box, box or ())) or None
    with opened_workspace(lake, cluster) as workspace:
        job = start_downsample(workspace, dataset, boxes, stale=stale)
        return run_or_queue(workspace, job, cluster, answering)
