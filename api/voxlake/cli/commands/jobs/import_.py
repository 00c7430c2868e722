"""``voxlake import``: a channel of a bossDB becomes a dataset, with what is said of it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.ingest_options import AsAnyKind
from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, InLake, OnCluster

type ChannelLocation = Annotated[
    str, Parameter(name="SOURCE", help="bossdb://HOST/COLLECTION/EXPERIMENT/CHANNEL.")
]


def import_(
    source: ChannelLocation,
    name: Annotated[
        str | None,
        Parameter(name="NAME", help="COLLECTION/EXPERIMENT/DATASET; by default those of bossDB."),
    ] = None,
    /,
    *,
    target: AsAnyKind = AsAnyKind(),
    lake: InLake = InLake(),
    cluster: OnCluster = OnCluster(),
    answering: Answering = Answering(),
) -> int:
    """Copy a channel of a running bossDB: voxels, metadata, and frame.

    An annotation becomes labels. Given again, it goes on with what it has not finished, and brings
    what is said there by now; what is said here stays. The token is that of intern, for the same
    server: from ~/.intern/intern.cfg, or INTERN_HOST, INTERN_PROTOCOL and INTERN_TOKEN.
    """
    with loading():
        from voxlake.cli.running.import_ import import_channel

    return import_channel(source, name, target, lake, cluster, answering)
