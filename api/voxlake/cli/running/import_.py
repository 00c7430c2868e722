"""A channel of a bossDB is copied, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.opened.lake import EVERYTHING
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.running.ingest import start
from voxlake.cli.running.request import ingest_request
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

if TYPE_CHECKING:
    from voxlake.cli.ingest_options import AsAnyKind
    from voxlake.cli.options import Answering, InLake, OnCluster


def import_channel(
    source: str,
    name: str | None,
    target: AsAnyKind,
    lake: InLake,
    cluster: OnCluster,
    answering: Answering,
) -> int:
    """Make a channel a dataset, and return the exit code."""
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
