"""Delete a dataset, and if that is asked its labels: from the store first, then from the catalog.

From its first moment on the dataset is hidden; a deletion that was cut off is gone on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.inside import check_idle, labels_below
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job
from voxlake.compute.jobs.kinds.uploads import clear_all
from voxlake.ngff.lake import lies_elsewhere, place_of
from voxlake.ngff.making.create import remove_dataset
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.record import UNFINISHED

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.jobs.record import Job
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
    catalog, name = work.workspace.catalog, work.spec.place.name
    if work.spec.nodes:
        return catalog.deletion.hidden(work.spec.nodes)
    try:
        return [*catalog.labels_of(name), catalog.get_dataset(name)]
    except NotFoundError:
        return []


def _hide(work: Work[RemoveSpec]) -> None:
    if work.spec.nodes:
        return
    doomed = _doomed(work)
    if doomed and doomed[-1].state is not DatasetState.REMOVING:
        _check(work.workspace, work.spec)
    for record in doomed:
        work.workspace.catalog.set_dataset_state(record.name, DatasetState.REMOVING)


def _no_stages(_: Work[RemoveSpec]) -> list[Plan]:
    return []


def _delete(work: Work[RemoveSpec]) -> None:
    lake, catalog = work.workspace.lake, work.workspace.catalog
    for record in _doomed(work):
        # What is registered in place is not the lake's: the catalog forgets it, no more.
        if lies_elsewhere(record):
            store.delete_tree(lake / place_of(record).index_key)
        else:
            remove_dataset(lake, place_of(record))
        clear_all(work.workspace, record.node)
        if work.spec.nodes:
            catalog.deletion.forget(record.node)
        else:
            catalog.remove_dataset(record.name)


def _always(_: Work[RemoveSpec]) -> bool:
    return True


def _refuse(work: Work[RemoveSpec]) -> None:
    doomed = _doomed(work)
    if doomed and doomed[-1].state is DatasetState.REMOVING:
        raise ConflictError(
            f"{work.spec.name} is deleted in part, and cannot be brought back; go on with: voxlake "
            f"jobs resume {work.job}"
        )


REMOVE = JobKind(
    RemoveSpec, _no_stages, prepare=_hide, finish=_delete, cancel=_refuse, removes=_always
)
