"""``voxlake ingest``: a source becomes a dataset."""

from __future__ import annotations

from voxlake.cli.ingest_options import AsDataset, SourceLocation
from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, InLake, Name, Running


def ingest(
    source: SourceLocation,
    name: Name,
    /,
    *,
    target: AsDataset,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
) -> int:
    """Write a new dataset from a source: sharded OME-Zarr, with its pyramid.

    Given again, it goes on with what it has not finished. Everything that can be checked is checked
    before a voxel is written. A lake in a local folder is made if it is not there; one on S3 is
    made by `voxlake init`. What it would take is told by `voxlake plan`.
    """
    with loading():
        from voxlake.cli.running.ingest import ingest_source

    return ingest_source(source, name, target, lake, cluster, answering)
