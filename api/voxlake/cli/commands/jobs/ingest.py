"""``voxlake ingest``: a source becomes a dataset."""

from __future__ import annotations

from dataclasses import replace

from voxlake.cli.ingest_options import AsDataset, SourceLocation, ingest_request
from voxlake.cli.options import Answering, InLake, Name, Running
from voxlake.cli.shown.output import note
from voxlake.cli.work import run_or_queue
from voxlake.cli.workspace import opened_workspace
from voxlake.compute.jobs import start_ingest
from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
from voxlake.compute.sources import opening_once
from voxlake.platform.jobs.record import JobState


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
    request = replace(ingest_request(source, name, target.kind, target), overwrite=target.overwrite)
    with opening_once():
        request.open()  # So that a mistyped source makes no lake.
        with opened_workspace(lake, cluster, make=True) as workspace:
            job = start_ingest(workspace, request)
            note(f"{source}: {IngestSpec.model_validate(job.spec).preview()}")
            if job.state != JobState.QUEUED:
                note(f"{name} was begun before; job {job.id} goes on")
            return run_or_queue(workspace, job, cluster, answering)
