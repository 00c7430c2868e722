"""``voxlake fsck``: what is torn, flipped, missing or stale, and what of it can be mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, Flag, InLake, OnCluster


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Looking:
    """How closely to look, and whether to mend."""

    repair: Annotated[Flag, Parameter(help="Mend what can be made anew, and look again.")] = False
    quick: Annotated[Flag, Parameter(help="Do not compare the levels with the ones below.")] = False
    source: Annotated[
        str | None,
        Parameter(
            help="With --repair: what level 0 is made anew from; by default what it was ingested "
            "from, if that is unchanged."
        ),
    ] = None
    seal: Annotated[
        Flag,
        Parameter(help="Take the metadata as they are for right: they were changed on purpose."),
    ] = False
    every: Annotated[Flag, Parameter(name="--all", help="All datasets of the lake.")] = False


def fsck(
    name: Annotated[
        str | None,
        Parameter(name="[NAME]", help="COLLECTION/EXPERIMENT/DATASET."),
    ] = None,
    /,
    *,
    lake: InLake = InLake(),
    cluster: OnCluster = OnCluster(),
    answering: Answering = Answering(),
    looking: Looking = Looking(),
) -> int:
    """Find every damaged, missing or stale object of a dataset; mend what can be with --repair.

    Ends with exit code 5 if anything was found and is not mended.
    """
    with loading():
        from voxlake.cli.running.fsck import check_datasets

    return check_datasets(name, lake, cluster, answering, looking)
