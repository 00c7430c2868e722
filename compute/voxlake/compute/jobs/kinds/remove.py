"""Delete a dataset, and if that is asked its labels: from the store first, then from the catalog.

From its first moment on the dataset is hidden, and cannot be brought back; a deletion that was cut
off is gone on with. What it has found out is how much it deleted, and that nothing is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.inside import check_idle, labels_below
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job
from voxlake.compute.jobs.kinds.uploads import clear_all
from voxlake.documents.places.deleted import purged_document
from voxlake.ngff.lake import place_of
from voxlake.ngff.storage.deleted import purge_dataset
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.record import UNFINISHED

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.jobs.record import JSON, Job
    from voxlake.platform.names import DatasetName


class RemoveSpec(Spec):
    """Delete a dataset."""

    kind: Literal["remove"] = "remove"
    with_labels: bool = False
    """Whether the labels of an image go with it."""
    nodes: tuple[int, ...] = ()
    """Of what goes, labels first, if it has no name any more; empty: it is found by its name."""


def start_remove(workspace: Workspace, name: DatasetName, *, with_labels: bool = False) -> Job:
    """Check that a dataset can go and record the job that deletes it; or return the one begun.

    What failed or was interrupted on it is given up with it.

    Raises
    ------
    NotFoundError
        If there is no such dataset.
    ConflictError
        If labels belong to it and are not to go with it, or a job runs on it or waits to.
    """
    begun = workspace.catalog.ledger.jobs_of(name, kind=REMOVE.name, states=UNFINISHED)
    if begun:
        return begun[0]
    return record_job(workspace, checked_remove(workspace, name, with_labels=with_labels))


def checked_remove(
    workspace: Workspace, name: DatasetName, *, with_labels: bool = False
) -> RemoveSpec:
    """Return what a job is to do; parameters and errors are those of `start_remove`."""
    spec = RemoveSpec(**at(workspace.place(name)), with_labels=with_labels)
    _check(workspace, spec)
    return spec


def _check(workspace: Workspace, spec: RemoveSpec) -> None:
    place = workspace.place(spec.place.name)
    labels = labels_below(workspace, place)
    if labels and not spec.with_labels:
        raise ConflictError(
            f"labels {', '.join(labels)} lie inside {place.name} and would go with it; remove them "
            "first, or all of it with: --with-labels"
        )
    check_idle(workspace, [place.name, *map(place.name.sibling, labels)])


def _doomed(work: Work[RemoveSpec]) -> list[DatasetRecord]:
    """Return what is to go, labels first; what is gone is left out."""
    catalog = work.workspace.catalog
    named = _named(work)
    return [*catalog.deletion.hidden(work.spec.nodes or [each.node for each in named]), *named]


def _named(work: Work[RemoveSpec]) -> list[DatasetRecord]:
    """Return what is to go and has its name still."""
    catalog, name = work.workspace.catalog, work.spec.place.name
    try:
        return [] if work.spec.nodes else [*catalog.labels_of(name), catalog.get_dataset(name)]
    except NotFoundError:
        return []


def _hide(work: Work[RemoveSpec]) -> None:
    catalog, named = work.workspace.catalog, _named(work)
    if named and named[-1].state is not DatasetState.REMOVING:
        _check(work.workspace, work.spec)
    for record in named:
        catalog.set_dataset_state(record.name, DatasetState.REMOVING)
    catalog.deletion.begin_purge(work.job, work.spec.nodes or [each.node for each in named])


def _no_stages(_: Work[RemoveSpec]) -> list[Plan]:
    return []


def _delete(work: Work[RemoveSpec]) -> None:
    lake, catalog = work.workspace.lake, work.workspace.catalog
    for record in _doomed(work):
        purged = purge_dataset(lake, place_of(record))
        clear_all(work.workspace, record.node)
        told = purged_document(record.name, purged)
        if not catalog.deletion.forget(record.node, told.in_short):
            catalog.remove_dataset(record.name, told.in_short)
        work.found[str(record.node)] = told.model_dump(mode="json")


def _proof(work: Work[RemoveSpec]) -> dict[str, JSON]:
    return {"purged": [*work.found.values()]}


def _always(_: Work[RemoveSpec]) -> bool:
    return True


def _refuse(work: Work[RemoveSpec]) -> None:
    doomed = _doomed(work)
    if doomed and doomed[-1].state is DatasetState.REMOVING:
        raise ConflictError(
            f"{work.spec.name} is deleted in part, and cannot be brought back; go on with: voxlake "
            f"jobs resume {work.job}"
        )
    if doomed and work.spec.nodes:
        raise ConflictError(
            f"{work.spec.name} is deleted, and can be brought back: voxlake undelete "
            f"{doomed[-1].node}"
        )


REMOVE = JobKind(
    RemoveSpec,
    _no_stages,
    prepare=_hide,
    finish=_delete,
    answer=_proof,
    cancel=_refuse,
    removes=_always,
)
