"""Mend what an fsck job has found, as far as it can be made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.fsck.repair import needs_source, plan_repair
from voxlake.compute.jobs.kinds.fsck import FSCK, FsckSpec, findings, fsck_target
from voxlake.compute.jobs.kinds.ingest import ingest_of
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job
from voxlake.compute.jobs.kinds.verify import source_of
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.sources import open_source
from voxlake.ngff.lake import check_writable
from voxlake.platform.errors import UnsupportedError, VoxlakeError

if TYPE_CHECKING:
    from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.jobs.record import Job


class RepairSpec(Spec):
    """Mend what a look has found, as far as it can be made anew."""

    kind: Literal["repair"] = "repair"
    look: str
    """Id of the fsck job whose findings are mended."""
    source: SourceAddress | None = None
    """None: level 0 cannot be made anew."""


def start_repair(workspace: Workspace, look: Job, source: str | None = None) -> Job:
    """Record a job that mends what the fsck job `look` has found.

    Damaged shards of level 0 are made anew from `source`, or from what the dataset was ingested
    from if that is still the same; without either they are left as they are.

    Raises
    ------
    UnsupportedError
        If `look` is a job of another kind, or of a dataset that is registered in place.
    SourceError
        If the given source is not whole, or has another shape than the dataset.
    """
    spec = _fsck_spec(look)
    check_writable(workspace.place(spec.place.name), "repair")
    if source is None:
        address = _source_of_ingest(workspace, look)
    else:
        address = source_of(workspace, spec.place, source)
    return record_job(workspace, RepairSpec(**at(spec.place), look=look.id, source=address))


def _fsck_spec(look: Job) -> FsckSpec:
    if look.kind != FSCK.name:
        raise UnsupportedError(f"job {look.id} is a {look.kind} job; only fsck finds what to mend")
    return FsckSpec.model_validate(look.spec)


def _source_of_ingest(workspace: Workspace, look: Job) -> SourceAddress | None:
    """Return what the dataset was ingested from, if it is needed and still the same."""
    ingest = ingest_of(workspace, look.dataset)
    if ingest is None or not needs_source(findings(workspace, look)):
        return None
    try:
        unchanged = _is_unchanged(ingest)
    except VoxlakeError:  # whatever is wrong with it, it is not what it was
        return None
    return ingest.address if unchanged else None


def _is_unchanged(ingest: IngestSpec) -> bool:
    return open_source(ingest.source, ingest.axes).fingerprint == ingest.source_fingerprint


def _stages(work: Work[RepairSpec]) -> list[Plan]:
    look = work.ledger.get_job(work.spec.look)
    target = fsck_target(work.workspace, _fsck_spec(look))
    return plan_repair(target, findings(work.workspace, look), work.spec.source)


REPAIR = JobKind(RepairSpec, _stages)
