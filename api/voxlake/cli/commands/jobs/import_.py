"""``voxlake import``: a channel of a bossDB becomes a dataset, with what is said of it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.commands.jobs.ingest import start
from voxlake.cli.ingest_options import AsAnyKind, ingest_request
from voxlake.cli.opened.lake import EVERYTHING
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.options import Answering, InLake, OnCluster
from voxlake.cli.shown.job import shown_import
from voxlake.cli.shown.output import answer
from voxlake.cli.work import run
from voxlake.compute.jobs.boss_metadata import bring_metadata
from voxlake.compute.jobs.kinds.ingest import is_ingested
from voxlake.compute.sources import opening_once
from voxlake.compute.sources.bossdb.location import parse_location
from voxlake.compute.sources.bossdb.said import read_all_said
from voxlake.documents.jobs.job import ImportRun
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.secrets.credentials import refuse_credentials

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
    refuse_credentials(source)
    location = parse_location(source)
    if location is None:
        raise InvalidInputError(
            f"source {source} is no channel of a bossDB (bossdb://HOST/COLLECTION/EXPERIMENT/"
            "CHANNEL); of what else it is a dataset is made by: voxlake ingest"
        )
    if target.with_labels:
        raise InvalidInputError(
            "--with-labels was given, and a channel has no labels inside; import its annotations"
        )
    said = read_all_said(location)
    request = ingest_request(source, name or "/".join(location.names), said.kind, target)
    with opening_once():
        request.open()  # So that a channel that cannot be read makes no lake.
        with opened_workspace(lake, cluster, make=True) as workspace:
            done = is_ingested(workspace, request)
            job = None if done else run(workspace, start(workspace, request))
            dataset = request.place.name
            brought = bring_metadata(workspace.catalog, dataset, said, EVERYTHING)
    document = ImportRun(job=job, written=tuple(brought.written), left=tuple(brought.left))
    answer(document, shown_import(document), json=answering.json)
    return 0
