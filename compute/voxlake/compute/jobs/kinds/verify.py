"""Compare every voxel with the source, and every level with the one below."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.ingest import ingest_of
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.sources import open_source
from voxlake.compute.sources.links import refuse_links_out
from voxlake.compute.sources.location import absolute_location
from voxlake.compute.verify.levels import plan_verify_level
from voxlake.compute.verify.results import compared_shards, stage_name
from voxlake.compute.verify.source import plan_verify_source
from voxlake.documents.jobs.job import DifferenceDocument
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.metadata.reading import is_ours
from voxlake.platform.errors import InvalidInputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.compute.verify.results import ComparedShard
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.lake import Place
    from voxlake.platform.jobs.record import JSON, Job
    from voxlake.platform.names import DatasetName


MOST_TOLD = 1000
"""Shards that differ that are told to who asked over HTTP."""


class VerifySpec(Spec):
    """Compare every voxel with the source, and every level with the one below."""

    kind: Literal["verify"] = "verify"
    source: str | None = None
    """None: compare the levels with one another only."""
    source_fingerprint: str = ""
    reverse: tuple[str, ...] = ()
    """Axes whose first voxel is the source's last."""
    axes: str = ""
    """Letters that name the source's axes as they are stored; empty: as it says itself."""
    task_bytes: int
    """Voxels of the source that a task compares, about, in bytes."""
    hashes: bool = False
    """Whether the hash of every shard is kept, for a report."""

    @property
    def address(self) -> SourceAddress | None:
        """The source as tasks find it, if there is one."""
        if self.source is None:
            return None
        return SourceAddress(
            self.source, self.source_fingerprint, self.reverse, self.axes, self.is_image
        )


def start_verify(
    workspace: Workspace,
    name: DatasetName,
    source: str | None,
    *,
    reverse: tuple[str, ...] | None = None,
    hashes: bool = False,
) -> Job:
    """Record a job that compares every voxel with `source`, and every level with the one below.

    `reverse` is by default that of the ingest, if the catalog still has it. With `hashes` those of
    every shard are kept, so that `write_report` can tell them.

    Raises
    ------
    SourceError
        If the source is not whole, or has another shape.
    InvalidInputError
        If there is nothing to compare: no source, and no level that voxlake made of another.
    """
    spec = checked_verify(workspace, name, source, reverse=reverse, hashes=hashes)
    return record_job(workspace, spec)


def checked_verify(
    workspace: Workspace,
    name: DatasetName,
    source: str | None,
    *,
    reverse: tuple[str, ...] | None = None,
    hashes: bool = False,
) -> VerifySpec:
    """Return what a job is to do; parameters and errors are those of `start_verify`."""
    place = workspace.place(name)
    if source is None and not coarser_levels(dataset := workspace.dataset(place)):
        why = "has one level" if dataset.levels == 1 else "has levels that another program made"
        raise InvalidInputError(
            f"{name} {why}, and no source was given: there is nothing to compare it with; give the "
            "source that it was made from"
        )
    address = None if source is None else source_of(workspace, place, source, reverse)
    return VerifySpec(
        **at(place),
        source=address.location if address else None,
        source_fingerprint=address.fingerprint if address else "",
        reverse=address.reverse if address else (),
        axes=address.axes if address else "",
        task_bytes=workspace.settings.task_bytes,
        hashes=hashes,
    )


def source_of(
    workspace: Workspace, place: Place, location: str, reverse: tuple[str, ...] | None = None
) -> SourceAddress:
    """Check that a dataset may be of the source at `location`, and return where tasks find it.

    Raises
    ------
    SourceError
        If the source is not whole, or has another shape.
    """
    ingest, place_of_source = ingest_of(workspace, place.name), absolute_location(location)
    axes = ingest.axes if ingest and ingest.source == place_of_source else ""
    refuse_links_out(location)
    colours = place.kind is Kind.IMAGE
    source = open_source(location, axes, colours=colours)
    source.check()
    shape = workspace.dataset(place).level(0).shape
    if tuple(source.shape) != shape:
        raise SourceError(
            f"{location} has shape {source.shape}; {place.name} has {shape}; give the source that "
            "it was made from"
        )
    if reverse is None:
        reverse = ingest.reverse if ingest else ()
    return SourceAddress(place_of_source, source.fingerprint, reverse, axes, colours)


def results_of_level(work: Work[VerifySpec], level: int) -> Iterator[ComparedShard]:
    """Yield what the job found of the shards of a level, as far as its tasks are done."""
    return compared_shards(work.ledger.results(work.job, stage_name(level)))


def count_behind(workspace: Workspace, job: Job) -> int:
    """Return how many voxels of coarser levels a job found behind level 0, as far as it is."""
    work = Work(workspace, job.id, VerifySpec.model_validate(job.spec))
    levels = coarser_levels(work.dataset())
    return sum(shard.behind for level in levels for shard in results_of_level(work, level))


def coarser_levels(dataset: Dataset) -> range:
    """Return the levels that are compared with the one below, by voxlake's own rules."""
    return range(1, dataset.levels if is_ours(dataset.url) else 1)


def compared_levels(work: Work[VerifySpec]) -> range:
    """Return the levels that the job compares; level 0 only if there is a source."""
    return range(0 if work.spec.source is not None else 1, coarser_levels(work.dataset()).stop)


def _stages(work: Work[VerifySpec]) -> list[Plan]:
    dataset, spec = work.dataset(), work.spec
    plans = [
        plan_verify_level(dataset, level, hashes=spec.hashes) for level in coarser_levels(dataset)
    ]
    if spec.address is None:
        return plans
    limits = task_limits(work.workspace.settings, spec.task_bytes)
    first = plan_verify_source(spec.address, dataset.level(0), limits, hashes=spec.hashes)
    return [first, *plans]


def _differences(work: Work[VerifySpec]) -> Iterator[ComparedShard]:
    for level in compared_levels(work):
        yield from (shard for shard in results_of_level(work, level) if shard.different)


def _answer(work: Work[VerifySpec]) -> dict[str, JSON]:
    told = list(islice(_differences(work), MOST_TOLD))
    differences = [DifferenceDocument.model_validate(each) for each in told]
    return {
        "verified": not differences,
        "differences": [each.model_dump(mode="json") for each in differences],
    }


VERIFY = JobKind(VerifySpec, _stages, differences=_differences, answer=_answer)
