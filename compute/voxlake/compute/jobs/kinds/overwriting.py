"""Ingest over a dataset: the new one is made beside it, verified, and then takes its place."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.ingest_spec import are_close
from voxlake.compute.jobs.kinds.inside import check_idle, labels_below
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.verify.levels import plan_verify_level
from voxlake.compute.verify.results import compared_shards, stage_name
from voxlake.compute.verify.source import plan_verify_source
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.mapping.mapping import open_mapping
from voxlake.ngff.labels.objects.reading import ObjectFilter, list_objects
from voxlake.ngff.lake import check_writable, index_of, place_of
from voxlake.ngff.making.replacing import Replacement
from voxlake.ngff.metadata.model import folder_of_job
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    InvalidInputError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from voxlake.compute.jobs.kinds.ingest_spec import IngestRequest, IngestSpec
    from voxlake.compute.jobs.kinds.kind import Work
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.lake import Place
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.store import StoreURL

LINGER_S = 5.0
"""Seconds that the old levels stay once they are replaced: who reads them ends, and looks anew."""


def replaced_levels(workspace: Workspace, request: IngestRequest) -> tuple[str, ...]:
    """Return the paths of the levels that the request is to replace, if it may.

    Raises
    ------
    ConflictError
        If a job works on the dataset, it is being deleted, or people have worked on its labels.
    InvalidInputError, UnsupportedError
        If it is something that the request cannot replace.
    """
    record = workspace.catalog.get_dataset(request.place.name)
    if request.public:
        raise InvalidInputError(
            f"who may read {record.name} stays as it is; leave --public out, and say it afterwards "
            f"with: voxlake publish {record.name}"
        )
    if record.state is DatasetState.REMOVING:
        raise ConflictError(
            f"{record.name} is being deleted; go on with that: voxlake rm {record.name}"
        )
    _check_kind(workspace, record, request.place)
    check_writable(place_of(record), "an ingest")
    check_idle(workspace, [record.name])
    check_untouched(workspace, place_of(record))
    return _levels_of(workspace.lake, record)


def _check_kind(workspace: Workspace, record: DatasetRecord, new: Place) -> None:
    old, name = place_of(record), record.name
    if (old.kind is Kind.LABELS and new.kind is Kind.IMAGE) or old.of != new.of:
        of = f" of {old.of}" if old.of else ""
        raise InvalidInputError(
            f"{name} is of the kind {old.kind}{of}, and what replaces it has to be so too; remove "
            f"it first with: voxlake rm {name}"
        )
    inside = labels_below(workspace, old)
    if new.kind is not old.kind and inside:
        raise ConflictError(
            f"labels {', '.join(inside)} lie inside {name}, and labels have none; remove them first"
        )


def _levels_of(lake: StoreURL, record: DatasetRecord) -> tuple[str, ...]:
    if not store.exists(lake / record.url / "zarr.json"):
        raise UnsupportedError(
            f"{record.name} is of zarr v2, and is never written to; remove it first with: "
            f"voxlake rm {record.name}"
        )
    paths = tuple(level.path for level in open_dataset(lake / record.url).multiscale.levels)
    if any(path.partition("/")[0] in {"", ".", "labels"} for path in paths):
        raise UnsupportedError(
            f"{record.name} has levels at {', '.join(paths)}, which cannot be replaced; remove it "
            f"first with: voxlake rm {record.name}"
        )
    return paths


def check_untouched(workspace: Workspace, place: Place) -> None:
    """Raise ConflictError if labels have merges or objects, which are of their voxels."""
    if place.kind is not Kind.LABELS:
        return
    index = index_of(workspace.lake, place)
    kept = [
        *(["merges"] if open_mapping(index).number else []),
        *(["objects"] if len(list_objects(index, ObjectFilter(), 0, 1).table) else []),
    ]
    if kept:
        raise ConflictError(
            f"{place.name} has {' and '.join(kept)}, which are of its voxels and would be lost; "
            f"ingest under another name, or if they are not wanted: voxlake rm {place.name}"
        )


def check_inside(workspace: Workspace, spec: IngestSpec) -> None:
    """Raise ConflictError unless the labels inside an image fit what is to replace it."""
    place = workspace.place(spec.place.name)
    records = workspace.catalog.labels_of(place.name)
    keys = {record.name.dataset: place_of(record).key for record in records}
    for name in labels_below(workspace, place):
        url = workspace.lake / keys.get(name, f"{place.key}/labels/{name}")
        if not _fit(open_dataset(url), spec):
            raise ConflictError(
                f"labels {name} lie inside {place.name} and do not cover voxel by voxel, in as "
                f"many levels, what would replace it ({spec.preview()}); remove them first with: "
                f"voxlake rm {place.name.sibling(name)}"
            )


def _fit(labels: Dataset, spec: IngestSpec) -> bool:
    size, place = labels.multiscale.voxel_size, labels.multiscale.translation
    shape = tuple(spec.address.open().shape)
    steps = [labels.step(level)[-3:] for level in range(1, labels.levels)]
    return (
        shape[-3:] == labels.level(0).shape[-3:]
        and steps == [step[-3:] for step in spec.steps]
        and spec.voxel_size.matches(size)
        and are_close(spec.translation, place, size)
    )


def beside(work: Work[IngestSpec]) -> Work[IngestSpec]:
    """Return the work in the folder that what replaces the dataset is made in."""
    return replace(work, folder=folder_of_job(work.job))


def replacement_of(work: Work[IngestSpec]) -> Replacement:
    """Return the replacement that the job is about."""
    place = work.workspace.place(work.spec.place.name)
    return Replacement(work.workspace.lake, place, work.job, work.spec.replaces)


def verifying_stages(work: Work[IngestSpec]) -> list[Plan]:
    """Return the plans of comparing what was made with its source, and its levels."""
    dataset, spec = beside(work).dataset(), work.spec
    limits = task_limits(work.workspace.settings, spec.task_bytes)
    first = plan_verify_source(spec.address, dataset.level(0), limits)
    return [first, *(plan_verify_level(dataset, level) for level in range(1, dataset.levels))]


def take_place(work: Work[IngestSpec]) -> None:
    """Put what was made, and is right, in the place of the old one, and delete that."""
    workspace, name, replacement = work.workspace, work.spec.place.name, replacement_of(work)
    if not replacement.is_done():
        _check_right(work)
        check_inside(workspace, work.spec)
        check_untouched(workspace, replacement.place)
        replacement.switch()
    workspace.catalog.renew_dataset(name, work.spec.kind_of_dataset.value)
    time.sleep(LINGER_S)
    replacement_of(work).clear()


def _check_right(work: Work[IngestSpec]) -> None:
    """Raise CorruptDataError if a shard differs from what it must be."""
    levels = range(len(work.spec.steps) + 1)
    results = (work.ledger.results(work.job, stage_name(level)) for level in levels)
    shards = chain.from_iterable(map(compared_shards, results))
    wrong = [shard for shard in shards if shard.different]
    if wrong:
        raise CorruptDataError(
            f"{len(wrong)} shards of what was to replace {work.spec.name} are not as they must be, "
            f"the first {wrong[0].shard} ({wrong[0].note}); {work.spec.name} is as it was: give "
            f"this up with voxlake jobs cancel {work.job}, and begin again"
        )


def give_up(work: Work[IngestSpec]) -> None:
    """Delete what was made beside the dataset, which stays as it was.

    Raises
    ------
    ConflictError
        If the dataset is replaced already.
    """
    replacement = replacement_of(work)
    if replacement.is_done():
        raise ConflictError(
            f"{work.spec.name} is replaced already; delete what is left of the old one with: "
            f"voxlake jobs resume {work.job}"
        )
    replacement.discard()
