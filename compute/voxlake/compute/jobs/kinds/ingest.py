"""Write a new dataset from a source, with its pyramid and, for labels, its index."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.index import (
    begin_indexing,
    clear_indexing,
    index_stages,
    renew_indexing,
)
from voxlake.compute.jobs.kinds.ingest_spec import IngestRequest, IngestSpec, ingest_spec
from voxlake.compute.jobs.kinds.kind import JobKind, Work, record_job, sweep
from voxlake.compute.jobs.kinds.overwriting import (
    beside,
    check_inside,
    give_up,
    replaced_levels,
    replacement_of,
    take_place,
    verifying_stages,
)
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.plans import plan_passes
from voxlake.compute.sources.channels import completed
from voxlake.ngff.covered import covered_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import plan_levels_by
from voxlake.ngff.lake import check_nothing_there, check_writable, free_place_in
from voxlake.ngff.making.create import NewDataset, create_dataset, remove_dataset
from voxlake.ngff.making.unfinished import Making
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from voxlake.platform.jobs.record import UNFINISHED, JobState

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.covered import CoveredImage
    from voxlake.ngff.lake import Place
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


def start_ingest(workspace: Workspace, request: IngestRequest) -> Job:
    """Check the request, record the job and return it; `run_job` does the work.

    An unfinished job that was to do the same is returned instead, to go on with.

    Raises what `checked_ingest` does.
    """
    begun = begun_ingest(workspace, request)
    return begun or record_job(workspace, checked_ingest(workspace, request))


def begun_ingest(workspace: Workspace, request: IngestRequest) -> Job | None:
    """Return the unfinished job that is to do what `request` asks for; None if there is none.

    Raises
    ------
    ConflictError
        If one is to make the dataset otherwise.
    """
    begun = workspace.catalog.ledger.jobs_of(
        request.place.name, kind=INGEST.name, states=UNFINISHED
    )
    return _begun(workspace, request, begun[0]) if begun else None


def is_ingested(workspace: Workspace, request: IngestRequest) -> bool:
    """Return whether the dataset is whole, and was made by an ingest of the same."""
    try:
        record = workspace.catalog.get_dataset(request.place.name)
    except NotFoundError:
        return False
    spec = ingest_of(workspace, request.place.name)
    return (
        record.state is DatasetState.READY
        and spec is not None
        and _is_asked(workspace, request, spec)
    )


def _is_asked(workspace: Workspace, request: IngestRequest, spec: IngestSpec) -> bool:
    """Return whether an ingest does what `request` asks for."""
    asked = ingest_spec(request, _image_of(workspace, request.place), workspace.settings)
    # How large tasks are is said by the settings, and nobody sees it in a dataset. What the source
    # says of channels is as it was: its fingerprint is. Which levels are replaced was found then.
    same = {"task_bytes": spec.task_bytes, "channels": spec.channels, "replaces": spec.replaces}
    same |= {"owner": spec.owner}
    return request.overwrite is bool(spec.replaces) and asked.model_copy(update=same) == spec


def _begun(workspace: Workspace, request: IngestRequest, job: Job) -> Job:
    """Return the unfinished `job` if it is what `request` asks for; else say how it can end."""
    spec, name = IngestSpec.model_validate(job.spec), request.place.name
    if _is_asked(workspace, request, spec):
        return job
    raise ConflictError(
        f"{name} is already being made from {spec.source}, by job {job.id}, which is {job.state}, "
        f"and not as is asked for; go on with that: voxlake jobs resume {job.id}, or give it up, "
        f"and the name is free: voxlake jobs cancel {job.id}"
    )


def checked_ingest(workspace: Workspace, request: IngestRequest) -> IngestSpec:
    """Check a request, the name and the image included; return what its job is to do.

    Raises
    ------
    SourceError, UnsupportedError
        If the source is not whole, or holds what voxlake does not store.
    ConflictError
        If the dataset exists, and is not to be replaced, or cannot be.
    NotFoundError
        If the image that the labels belong to does not.
    InvalidInputError
        If voxel size, levels or shape do not fit.
    StorageQuotaError
        If all is stored that may be, at the place or above it.
    """
    workspace.catalog.stored.check_room(request.place.name.parts)
    replaces = () if _is_free(workspace, request) else replaced_levels(workspace, request)
    spec = ingest_spec(request, _image_of(workspace, request.place), workspace.settings)
    if not replaces:
        return spec
    check_inside(workspace, spec)
    return spec.model_copy(update={"replaces": replaces})


def ingest_of(workspace: Workspace, name: DatasetName) -> IngestSpec | None:
    """Return what the ingest did that made a dataset; None if the catalog does not know it."""
    done = workspace.catalog.ledger.jobs_of(name, kind=INGEST.name, states={JobState.DONE})
    return IngestSpec.model_validate(done[0].spec) if done else None


def _is_free(workspace: Workspace, request: IngestRequest) -> bool:
    """Return whether there is no dataset of that name.

    Raises
    ------
    ConflictError
        If there is one that is not to be replaced, or something where it would lie.
    """
    name = request.place.name
    try:
        there = workspace.catalog.get_dataset(name)
    except NotFoundError:
        check_nothing_there(workspace.lake, free_place_in(workspace.catalog, request.place))
        return True
    if request.overwrite:
        return False
    raise ConflictError(
        f"dataset {name} exists and is {there.state}; choose another name, give it another one "
        f"with: voxlake mv {name} NEW, remove it with: voxlake rm {name}, or replace it with: "
        "--overwrite"
    )


def _image_of(workspace: Workspace, place: Place) -> CoveredImage | None:
    """Return the image that the labels at `place` belong to; None if they belong to none.

    Raises
    ------
    NotFoundError, InvalidInputError
        If it is not there, or is no image.
    """
    if place.of is None:
        return None
    image = workspace.place(place.name.sibling(place.of))
    check_writable(image, "an ingest of labels inside it")
    if image.kind is not Kind.IMAGE:
        raise InvalidInputError(f"{image.name} is no image; labels belong to an image")
    return covered_dataset(workspace.dataset(image))


def create_target(work: Work[IngestSpec]) -> None:
    """Put the new dataset into the catalog and its metadata on the store; twice is no harm.

    What replaces a dataset is on the store alone.
    """
    if work.spec.replaces:
        _create_beside(work)
        return
    name, catalog = work.spec.place.name, work.workspace.catalog
    try:
        if catalog.get_dataset(name).state is DatasetState.READY:
            raise ConflictError(f"dataset {name} exists by now; choose another name")
    except NotFoundError:
        catalog.add_dataset(_record(work), owner=work.spec.owner)
    create_dataset(work.workspace.lake, _new_dataset(work), work.job)
    catalog.set_dataset_state(name, DatasetState.INGESTING)


def _create_beside(work: Work[IngestSpec]) -> None:
    replacement = replacement_of(work)
    if not replacement.is_done():
        replacement.discard_others()
        create_dataset(work.workspace.lake, _new_dataset(beside(work)), work.job)


def _record(work: Work[IngestSpec]) -> DatasetRecord:
    place = work.spec.place
    return DatasetRecord(
        name=place.name,
        kind=place.kind.value,
        of=place.of,
        url=free_place_in(work.workspace.catalog, place).key,
        state=DatasetState.INGESTING,
        public=work.spec.public,
        created_at=datetime.now(UTC),
    )


def making_of(work: Work[IngestSpec]) -> Making:
    """Return the making of the dataset by the job."""
    return Making(work.workspace.lake / work.place.key, work.job)


def _new_dataset(work: Work[IngestSpec]) -> NewDataset:
    spec = work.spec
    source = spec.address.open()
    dtype = spec.stored_dtype(source)
    return NewDataset(
        work.place,
        source.axes,
        spec.voxel_size.unit,
        dtype,
        plan_levels_by(spec.kind_of_dataset, spec.extent(source), spec.steps),
        spec.reduction,
        spec.time.unit if spec.time else None,
        completed(spec.channels, source.axes, tuple(source.shape), dtype, spec.address.read),
    )


def _target(work: Work[IngestSpec]) -> Work[IngestSpec]:
    """Return the work where voxels are written: beside the dataset, if it is to be replaced."""
    return beside(work) if work.spec.replaces else work


def _stages(work: Work[IngestSpec]) -> list[Plan]:
    if not work.spec.replaces:
        return _writing_stages(work)
    if replacement_of(work).is_done():
        return []
    return [*_writing_stages(beside(work)), *verifying_stages(work)]


def _writing_stages(work: Work[IngestSpec]) -> list[Plan]:
    spec, limits = work.spec, task_limits(work.workspace.settings, work.spec.task_bytes)
    index = work.index_url if spec.index else None
    plans = [plan for plan, _ in plan_passes(work.dataset(), spec.address, limits, index, work.job)]
    return [*plans, *index_stages(work, keep=True)] if spec.index else plans


def _begin(work: Work[IngestSpec]) -> None:
    if work.spec.index:
        begin_indexing(_target(work))


def _renew(work: Work[IngestSpec]) -> None:
    if work.spec.index:
        renew_indexing(_target(work))


def _finish(work: Work[IngestSpec]) -> None:
    sweep(_target(work))
    if work.spec.replaces:
        take_place(work)
        return
    making_of(work).finish()
    work.workspace.catalog.set_dataset_state(work.place.name, DatasetState.READY)


def _fail(work: Work[IngestSpec]) -> None:
    if not work.spec.replaces:
        work.workspace.catalog.set_dataset_state(work.place.name, DatasetState.FAILED)


def _removes(work: Work[IngestSpec]) -> bool:
    """Return whether the dataset is not ready, and no other job has yet to make it so.

    Of one that is to be replaced: whether it is not yet, so that what lies beside is removed.
    """
    name = work.place.name
    try:
        record = work.workspace.catalog.get_dataset(name)
    except NotFoundError:
        return False
    if work.spec.replaces:
        return not replacement_of(work).is_done()
    unfinished = work.ledger.jobs_of(name, kind=work.spec.kind, states=UNFINISHED)
    return record.state is not DatasetState.READY and all(j.id == work.job for j in unfinished)


def _cancel(work: Work[IngestSpec]) -> None:
    if work.spec.replaces:
        give_up(work)
    elif _removes(work):
        _remove_dataset(work.workspace, work.place)
    elif work.spec.index:
        clear_indexing(work)


def _remove_dataset(workspace: Workspace, place: Place) -> None:
    labels = [str(record.name) for record in workspace.catalog.labels_of(place.name)]
    if labels:
        raise ConflictError(
            f"{', '.join(labels)} belong to {place.name}; cancel or remove them first"
        )
    remove_dataset(workspace.lake, place)
    workspace.catalog.remove_dataset(place.name)


INGEST = JobKind(
    IngestSpec,
    _stages,
    prepare=create_target,
    begin=_begin,
    renew=_renew,
    finish=_finish,
    fail=_fail,
    cancel=_cancel,
    removes=_removes,
)
