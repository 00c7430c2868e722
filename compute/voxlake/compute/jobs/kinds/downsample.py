"""Build the levels of a dataset anew from level 0: all of them, or what lies over some boxes.

Stale boxes are those that writers have marked (see `voxlake.ngff.stale`). A mark is deleted once
the levels are made, if it was settled before a voxel was read; another one, of a write that may not
have ended, stays for the next job.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job, sweep
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.plans import plan_passes
from voxlake.compute.passes.rebuild import plan_rebuild
from voxlake.ngff.grid.box import Box
from voxlake.ngff.lake import check_writable
from voxlake.ngff.stale import delete_marks, list_marks
from voxlake.platform.errors import OutOfBoundsError

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.stale import Mark
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


MOST_MARKS = 10_000
"""Marks that one job looks at."""


class DownsampleSpec(Spec):
    """Build the levels of a dataset anew from level 0."""

    kind: Literal["downsample"] = "downsample"
    task_bytes: int
    """Voxels that a task handles, about, in bytes."""
    boxes: tuple[Box, ...] | None = None
    """Boxes of level 0 that have changed; None: all of it."""
    marks: tuple[str, ...] = ()
    """Names of the marks that are deleted once the levels are made."""


def start_downsample(
    workspace: Workspace,
    name: DatasetName,
    boxes: tuple[Box, ...] | None = None,
    *,
    stale: bool = False,
) -> Job:
    """Record a job that builds all levels of a dataset anew from level 0, or under `boxes` of it.

    If only what is `stale`, under the boxes that writers have marked: of more than `MOST_MARKS` the
    oldest.

    Raises
    ------
    OutOfBoundsError
        If a box is not inside level 0, or has other axes.
    """
    return record_job(workspace, checked_downsample(workspace, name, boxes, stale=stale))


def checked_downsample(
    workspace: Workspace,
    name: DatasetName,
    boxes: tuple[Box, ...] | None = None,
    *,
    stale: bool = False,
) -> DownsampleSpec:
    """Return what a job is to do; parameters and errors are those of `start_downsample`."""
    place = workspace.place(name)
    check_writable(place, "downsample")
    finest = workspace.dataset(place).level(0)
    for box in boxes or ():
        if box.ndim != len(finest.shape):
            raise OutOfBoundsError(
                f"box {box} has {box.ndim} axes; {name} has the shape {finest.shape}: give a range "
                "for each"
            )
        box.check_inside(finest.box, str(name))
    marks: list[Mark] = []
    if boxes is None:
        marks = list_marks(finest.url)[:MOST_MARKS]
    if stale:
        boxes = tuple(sorted({mark.box & finest.box for mark in marks}))
    now = datetime.now(UTC)
    return DownsampleSpec(
        **at(place),
        task_bytes=workspace.settings.task_bytes,
        boxes=boxes,
        marks=tuple(mark.url.name for mark in marks if mark.is_settled(now)),
    )


def _stages(work: Work[DownsampleSpec]) -> list[Plan]:
    dataset, spec = work.dataset(), work.spec
    if spec.boxes is not None:
        return plan_rebuild(dataset, spec.boxes)
    limits = task_limits(work.workspace.settings, spec.task_bytes)
    return [plan for plan, _ in plan_passes(dataset, None, limits)]


def _finish(work: Work[DownsampleSpec]) -> None:
    if work.spec.marks:
        delete_marks(work.dataset().level_url(0), work.spec.marks)
    sweep(work)


DOWNSAMPLE = JobKind(DownsampleSpec, _stages, finish=_finish)
