"""Look at a dataset (fsck) and repair it: two kinds of job, one made of what the other found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.compute.fsck import Finding, Looked, Remedy, findings_of, plan_fsck, plan_repair
from voxlake.compute.fsck.repair import needs_source
from voxlake.compute.jobs.spec import FsckSpec, IndexSpec, IngestSpec, RepairSpec, spec_of
from voxlake.compute.jobs.starting import ingest_of
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.sources import open_source
from voxlake.compute.sources.location import absolute_location
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import dataset_url
from voxlake.platform import store
from voxlake.platform.errors import SourceError, UnsupportedError, VoxlakeError
from voxlake.platform.jobs import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.lake import Place
    from voxlake.platform.jobs import Job
    from voxlake.platform.names import DatasetName


def start_fsck(workspace: Workspace, name: DatasetName, *, quick: bool = False) -> Job:
    """Record a job that looks for what is torn, flipped, missing or stale in a dataset.

    Labels whose index was ever built, or of which anything is stored, are held to have one.
    """
    place = workspace.place(name)
    spec = FsckSpec(
        name=str(name),
        kind_of_dataset=place.kind,
        of=place.of,
        quick=quick,
        index=place.kind is Kind.LABELS and _should_have_index(workspace, place),
    )
    return workspace.catalog.ledger.create_job(spec.kind, name, spec.model_dump(mode="json"))


def start_repair(workspace: Workspace, look: Job, source: str | None = None) -> Job:
    """Record a job that mends what the fsck job `look` has found.

    Damaged shards of level 0 are made anew from `source`, or from what the dataset was ingested
    from if that is still the same; without either they are left as they are.

    Raises
    ------
    SourceError
        If the given source is not whole, or has another shape than the dataset.
    """
    spec = spec_of(look)
    address = _source_of(workspace, look, spec.place, source)
    repair = RepairSpec(
        name=spec.name,
        kind_of_dataset=spec.kind_of_dataset,
        of=spec.of,
        look=look.id,
        source=address,
    )
    ledger = workspace.catalog.ledger
    return ledger.create_job(repair.kind, look.dataset, repair.model_dump(mode="json"))


def findings(workspace: Workspace, look: Job) -> Iterator[Finding]:
    """Yield what an fsck job has found so far."""
    ledger = workspace.catalog.ledger
    stages = ledger.get_job(look.id).stages
    return findings_of(result for stage in stages for result in ledger.results(look.id, stage.name))


def plan_look_or_repair(workspace: Workspace, spec: FsckSpec | RepairSpec) -> list[Plan]:
    """Return the plans of a job of either kind."""
    if isinstance(spec, FsckSpec):
        return plan_fsck(_looked(workspace, spec.place, index=spec.index, quick=spec.quick))
    look = workspace.catalog.ledger.get_job(spec.look)
    seen = spec_of(look)
    if not isinstance(seen, FsckSpec):
        raise UnsupportedError(f"job {look.id} is a {look.kind} job; only fsck finds what to mend")
    what = _looked(workspace, spec.place, index=seen.index, quick=seen.quick)
    return plan_repair(Remedy(what, spec.source), findings(workspace, look))


def _looked(workspace: Workspace, place: Place, *, index: bool, quick: bool) -> Looked:
    image = None
    if place.of is not None:
        of = replace(place, name=place.name.sibling(place.of), kind=Kind.IMAGE, of=None)
        image = dataset_url(workspace.lake, of)
    return Looked(
        dataset_url(workspace.lake, place),
        workspace.index_url(place) if index else None,
        image,
        quick,
    )


def _should_have_index(workspace: Workspace, place: Place) -> bool:
    if store.list_children(workspace.index_url(place)) != ([], []):
        return True
    specs = (spec_of(job) for job in _done(workspace, place.name))
    return any(
        isinstance(spec, IndexSpec) or (isinstance(spec, IngestSpec) and spec.index)
        for spec in specs
    )


def _done(workspace: Workspace, name: DatasetName) -> list[Job]:
    jobs = workspace.catalog.ledger.list_jobs()
    return [job for job in jobs if job.dataset == name and job.state is JobState.DONE]


def _source_of(
    workspace: Workspace, look: Job, place: Place, given: str | None
) -> SourceAddress | None:
    if given is not None:
        source = open_source(given)
        source.check()
        shape = workspace.dataset(place).level(0).shape
        if tuple(source.shape) != shape:
            raise SourceError(f"{given} has shape {source.shape}; {place.name} has {shape}")
        made = ingest_of(workspace, place.name)
        reverse = made.reverse if made else ()
        return SourceAddress(absolute_location(given), source.fingerprint, reverse)
    if not needs_source(findings(workspace, look)):
        return None
    ingest = ingest_of(workspace, place.name)
    if ingest is None or not _is_unchanged(ingest):
        return None
    return ingest.address


def _is_unchanged(ingest: IngestSpec) -> bool:
    try:
        return open_source(ingest.source).fingerprint == ingest.source_fingerprint
    except VoxlakeError:  # whatever is wrong with it, it is not what it was
        return False
