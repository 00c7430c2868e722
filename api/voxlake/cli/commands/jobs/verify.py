"""``voxlake verify``: every voxel compared with what it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, InLake, Name, Running


def verify(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
    source: Annotated[
        str | None,
        Parameter(
            metavar="SOURCE",
            help="What it was made from; without it levels are compared with one another.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            validator=validators.Path(dir_okay=False),
            help="Write a report, with the hashes of every shard, as lines of JSON.",
        ),
    ] = None,
) -> int:
    """Compare every voxel with the source, and every level with the one below it.

    Names the shards that differ, and then ends with exit code 5; so it does if the dataset is not
    whole, whatever was compared. Levels that another program made are not compared.
    """
    with loading():
        from voxlake.cli.running.verify import verify_dataset

    return verify_dataset(name, source, report, lake, cluster, answering)
