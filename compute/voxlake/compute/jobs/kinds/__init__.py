"""Kinds of jobs, one file each: what it checks, its stages, how it ends, how it is cancelled.

A new kind is one more file, and one more entry in `KINDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.compute.jobs.kinds.asked import LOOK, PLAN, START_ASKED
from voxlake.compute.jobs.kinds.downsample import DOWNSAMPLE
from voxlake.compute.jobs.kinds.fsck import FSCK
from voxlake.compute.jobs.kinds.index import INDEX
from voxlake.compute.jobs.kinds.ingest import INGEST
from voxlake.compute.jobs.kinds.kind import JobKind, Work
from voxlake.compute.jobs.kinds.remove import REMOVE
from voxlake.compute.jobs.kinds.repair import REPAIR
from voxlake.compute.jobs.kinds.uploads import (
    CLEAR_UPLOAD,
    FINISH_UPLOAD,
    QUEUE_UPLOAD,
    WRITE_UPLOAD,
)
from voxlake.compute.jobs.kinds.verify import VERIFY
from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs.record import Job

# Any: each kind has a spec of its own, and only its own functions look into it.
KINDS: tuple[JobKind[Any], ...] = (
    INGEST, DOWNSAMPLE, INDEX, VERIFY, FSCK, REPAIR, LOOK, PLAN, START_ASKED, REMOVE,
    QUEUE_UPLOAD, WRITE_UPLOAD, CLEAR_UPLOAD, FINISH_UPLOAD,
)  # fmt: skip


def kind_of(job: Job) -> JobKind[Any]:
    """Return the kind of a job.

    Raises
    ------
    UnsupportedError
        If there is no such kind.
    """
    for kind in KINDS:
        if kind.name == job.kind:
            return kind
    raise UnsupportedError(
        f"job {job.id} is a {job.kind} job, which this version of voxlake does not know; it knows "
        f"{', '.join(kind.name for kind in KINDS)}: run it with the version that recorded it"
    )


def work_of(workspace: Workspace, job: Job) -> Work[Any]:
    """Return what a job is to do in its workspace."""
    return Work(workspace, job.id, kind_of(job).spec.model_validate(job.spec))
