"""Build the label index of labels anew; they bear the job's mark while it runs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from voxlake.compute.index.by_label import plan_index_segments
from voxlake.compute.index.shards import plan_index
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job, sweep
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.bulk.build import begin_bulk, clear_bulk, renew_bulk
from voxlake.ngff.labels.handle import labels_of
from voxlake.ngff.labels.times import all_indices
from voxlake.platform.errors import StoreError, UnsupportedError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


class IndexSpec(Spec):
    """Build the label index of labels anew."""

    kind: Literal["index"] = "index"


def start_index(workspace: Workspace, name: DatasetName) -> Job:
    """Record a job that builds the label index of labels anew.

    Raises
    ------
    UnsupportedError
        If the dataset is an image.
    """
    return record_job(workspace, checked_index(workspace, name))


def checked_index(workspace: Workspace, name: DatasetName) -> IndexSpec:
    """Return what a job is to do; errors are those of `start_index`."""
    place = workspace.place(name)
    if place.kind is not Kind.LABELS:
        raise UnsupportedError(f"{name} is an image; only labels have a label index")
    return IndexSpec(**at(place))


def index_stages(work: Work[Spec], *, keep: bool = False) -> list[Plan]:
    """Return the plans of the label index: its sidecars, then one segment of all of them.

    With `keep`, sidecars that are of their shard as it is stay.
    """
    finest = labels_of(work.dataset(), work.index_url).volume
    sidecars = plan_index(finest, work.index_url, keep=keep)
    return [sidecars, *plan_index_segments(finest, work.index_url, work.job)]


def begin_indexing(work: Work[Spec]) -> None:
    """Mark the labels of each time point; again is no harm."""
    labels, by = labels_of(work.dataset(), work.index_url), f"job {work.job}"
    list(in_parallel(lambda each: begin_bulk(each, work.job, by), list(labels.each_time())))


def renew_indexing(work: Work[Spec]) -> None:
    """Say that the job lives; if the store fails, the next time will do."""
    with suppress(StoreError):
        for index_url in all_indices(work.index_url):
            renew_bulk(index_url, work.job)


def clear_indexing(work: Work[Spec]) -> None:
    """Delete the mark and the scratch of a job that is given up."""
    for index_url in all_indices(work.index_url):
        clear_bulk(index_url, work.job)


INDEX = JobKind(
    IndexSpec,
    index_stages,
    begin=begin_indexing,
    renew=renew_indexing,
    finish=sweep,
    cancel=clear_indexing,
)
