"""``voxlake rm``: a dataset is deleted."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.options import Answering, Flag, InLake, Name, OnCluster
from voxlake.cli.shown.output import answer, facts
from voxlake.cli.work import run_quietly
from voxlake.compute.jobs import start_remove
from voxlake.documents.datasets.dataset import RemovedDocument
from voxlake.platform.names import DatasetName


def rm(
    name: Name,
    /,
    *,
    with_labels: Annotated[
        Flag, Parameter(help="Delete the labels of an image with it: they lie inside it.")
    ] = False,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Delete a dataset and its label index, for good; its name is free again.

    A dataset that a job works on, or that has labels, is left as it is. A deletion that was cut
    off is gone on with by the same command.
    """
    dataset = DatasetName.parse(name)
    with opened_workspace(lake, OnCluster()) as workspace:
        job = start_remove(workspace, dataset, with_labels=with_labels)
        labels = tuple(str(each.name) for each in workspace.catalog.labels_of(dataset))
        run_quietly(workspace, job)
    document = RemovedDocument(removed=str(dataset), labels=labels, job=job.id)
    rows = (("removed", document.removed), ("with it", ", ".join(labels) or None))
    answer(document, [facts(rows)], json=answering.json)
