"""Build the levels of a dataset anew from level 0, all of them or what lies over some boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job, sweep
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.plans import plan_passes
from voxlake.compute.passes.rebuild import plan_rebuild
from voxlake.ngff.grid.box import Box
from voxlake.ngff.lake import check_writable
from voxlake.platform.errors import OutOfBoundsError

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


class DownsampleSpec(Spec):
    """Build the levels of a dataset anew from level 0."""

    kind: Literal["downsample"] = "downsample"
    task_bytes: int
    """Voxels that a task handles, about, in bytes."""
    boxes: tuple[Box, ...] | None = None
    """Boxes of level 0 that have changed; None: all of it."""


def start_downsample(
    workspace: Workspace, name: DatasetName, boxes: tuple[Box, ...] | None = None
) -> Job:
    """Record a job that builds all levels of a dataset anew from level 0, or under `boxes` of it.

    Raises
    ------
    OutOfBoundsError
        If a box is not inside level 0, or has other axes.
    """
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
    task_bytes = workspace.settings.task_bytes
    return record_job(workspace, DownsampleSpec(**at(place), task_bytes=task_bytes, boxes=boxes))


def _stages(work: Work[DownsampleSpec]) -> list[Plan]:
    dataset, spec = work.dataset(), work.spec
    if spec.boxes is not None:
        return plan_rebuild(dataset, spec.boxes)
    limits = task_limits(work.workspace.settings, spec.task_bytes)
    return [plan for plan, _ in plan_passes(dataset, None, limits)]


DOWNSAMPLE = JobKind(DownsampleSpec, _stages, finish=sweep)
