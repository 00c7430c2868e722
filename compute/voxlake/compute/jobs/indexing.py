"""The mark that a job which builds a label index leaves on the labels while it runs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from voxlake.compute.jobs.spec import IndexSpec, IngestSpec, Spec, spec_of
from voxlake.ngff.labels.bulk.build import begin_bulk, clear_bulk, renew_bulk
from voxlake.platform.errors import StoreError

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs import Job


def builds_index(spec: Spec) -> bool:
    """Return whether a job builds the label index of its dataset."""
    return isinstance(spec, IndexSpec) or (isinstance(spec, IngestSpec) and spec.index)


def begin_indexing(workspace: Workspace, job: Job) -> None:
    """Mark the labels before the first task of a job that indexes them; again is no harm."""
    spec = spec_of(job)
    if builds_index(spec):
        finest = workspace.dataset(spec.place).level(0)
        begin_bulk(finest, workspace.index_url(spec.place), job.id, f"job {job.id}")


def renew_indexing(workspace: Workspace, job: Job) -> None:
    """Say that the job lives; if the store fails, the next time will do."""
    spec = spec_of(job)
    if builds_index(spec):
        with suppress(StoreError):
            renew_bulk(workspace.index_url(spec.place), job.id)


def clear_indexing(workspace: Workspace, job: Job) -> None:
    """Delete the mark and the scratch of a job that is given up."""
    spec = spec_of(job)
    if builds_index(spec):
        clear_bulk(workspace.index_url(spec.place), job.id)
