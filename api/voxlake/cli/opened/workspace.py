"""Open the lake of a command for jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from voxlake.cli.opened.lake import existing_lake, is_lake, make_lake
from voxlake.cli.options import InLake, OnCluster
from voxlake.compute.jobs import Workspace
from voxlake.platform.telemetry.traces import traced


@contextmanager
def opened_workspace(
    lake: InLake, cluster: OnCluster, *, make: bool = False
) -> Iterator[Workspace]:
    """Open a lake for jobs.

    Parameters
    ----------
    lake, cluster
        The options of the command.
    make
        Whether to make a lake in a local folder that is none yet. A lake on S3 is made only by
        ``voxlake init``: a mistyped bucket or prefix should not become one unseen.
    """
    url, settings = lake.url, cluster.settings
    if make and url.is_local and not is_lake(url):
        make_lake(url, settings)
    with (
        traced(settings, "voxlake-worker"),
        Workspace.opened(existing_lake(lake), settings) as workspace,
    ):
        yield workspace
