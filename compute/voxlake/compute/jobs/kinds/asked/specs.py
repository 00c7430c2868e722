"""What was asked for over HTTP, checked: what a job is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.downsample import checked_downsample
from voxlake.compute.jobs.kinds.fsck import checked_fsck
from voxlake.compute.jobs.kinds.index import checked_index
from voxlake.compute.jobs.kinds.ingest import checked_ingest
from voxlake.compute.jobs.kinds.ingest_spec import IngestRequest
from voxlake.compute.jobs.kinds.kind import Spec
from voxlake.compute.jobs.kinds.remove import checked_remove
from voxlake.compute.jobs.kinds.verify import checked_verify
from voxlake.documents.jobs.asked import (
    AnyQuestion,
    DownsampleQuestion,
    FsckQuestion,
    IndexQuestion,
    IngestQuestion,
    JobQuestion,
    VerifyQuestion,
)
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.lake import Place
from voxlake.platform.store.allowed.sources import check_source

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace


class AskedSpec(Spec):
    """What was asked for over HTTP."""

    asked: JobQuestion


def spec_of(workspace: Workspace, asked: AnyQuestion) -> Spec:
    """Check what was asked for, its source included; return what a job is to do.

    Raises
    ------
    StoreForbiddenError
        If the source is not one that is read for others.
    VoxlakeError
        As the check of each kind of job does.
    """
    name = asked.name
    source = JobQuestion(asked).source
    if source is not None:
        check_source(source, workspace.lake, workspace.settings)
    match asked:
        case IngestQuestion():
            return checked_ingest(workspace, ingest_request(asked))
        case DownsampleQuestion():
            return checked_downsample(workspace, name, stale=asked.stale)
        case IndexQuestion():
            return checked_index(workspace, name)
        case VerifyQuestion():
            return checked_verify(workspace, name, asked.source)
        case FsckQuestion():
            return checked_fsck(workspace, name, quick=asked.quick)
        case _:
            return checked_remove(workspace, name, with_labels=asked.with_labels)


def ingest_request(asked: IngestQuestion) -> IngestRequest:
    """Return the ingest that was asked for."""
    size = None if asked.voxel_size is None else VoxelSize(*asked.voxel_size, asked.unit)
    return IngestRequest(
        source=asked.source,
        place=Place(asked.name, Kind(asked.as_kind), asked.of),
        voxel_size=size,
        levels=asked.levels,
        factors=asked.factors,
        reduction=None if asked.reduction is None else Reduction(asked.reduction),
        reverse=tuple(dict.fromkeys(asked.reverse)),
        index=asked.index,
        axes=asked.axes,
        drop_transform=asked.drop_transform,
        dtype=asked.dtype or "",
    )
