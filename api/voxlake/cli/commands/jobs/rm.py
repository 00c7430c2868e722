"""``voxlake rm``: a dataset is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import RenderableType

from voxlake.cli.loading import loading
from voxlake.cli.opened.lake import EVERYTHING
from voxlake.cli.options import Answering, Flag, InLake, Name, OnCluster
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.datasets.dataset import DeletionDocument, RemovedDocument
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.compute.jobs import Workspace


def rm(
    name: Name,
    /,
    *,
    with_labels: Annotated[
        Flag, Parameter(help="Delete the labels of an image with it: they lie inside it.")
    ] = False,
    later: Annotated[
        Flag,
        Parameter(
            help="Hide it now, and leave it to a worker to delete it in VOXLAKE_DELETED_DAYS days; "
            "until then `voxlake undelete` brings it back."
        ),
    ] = False,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Delete a dataset and its label index, for good; its name is free again.

    A dataset that a job works on, or that has labels, is left as it is. A deletion that was cut
    off is gone on with by the same command.
    """
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.cli.work import purged_by, run_quietly
        from voxlake.compute.jobs import start_remove

    dataset = DatasetName.parse(name)
    with opened_workspace(lake, OnCluster()) as workspace:
        if later:
            hidden = _hide(workspace, dataset, with_labels=with_labels)
            answer(hidden, [_hidden_facts(hidden)], json=answering.json)
            return
        job = start_remove(workspace, dataset, with_labels=with_labels)
        labels = tuple(str(each.name) for each in workspace.catalog.labels_of(dataset))
        run_quietly(workspace, job)
        purged = purged_by(workspace, job.id)
    document = RemovedDocument(removed=str(dataset), labels=labels, job=job.id, purged=purged)
    rows = (("removed", document.removed), ("with it", ", ".join(labels) or None))
    answer(document, [facts(rows)], json=answering.json)


def _hide(workspace: Workspace, name: DatasetName, *, with_labels: bool) -> DeletionDocument:
    catalog, days = workspace.catalog, workspace.settings.deleted_days
    node = catalog.get_dataset(name).node
    job, labels = catalog.deletion.begin(name, EVERYTHING, with_labels=with_labels, days=days)
    return DeletionDocument(
        id=node,
        removing=str(name),
        labels=tuple(str(each.name) for each in labels),
        job=job.id,
        purge_at=job.queued_at or job.created_at,
    )


def _hidden_facts(hidden: DeletionDocument) -> RenderableType:
    return facts(
        (
            ("hidden", hidden.removing),
            ("with it", ", ".join(hidden.labels) or None),
            ("until", hidden.purge_at),
            ("brought back by", f"voxlake undelete {hidden.id}"),
        )
    )
