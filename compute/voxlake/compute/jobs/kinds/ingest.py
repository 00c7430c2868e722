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
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.plans import plan_passes
from voxlake.ngff.create import NewDataset, create_dataset, list_labels
from voxlake.ngff.grid.dtypes import check_dtype
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import plan_levels_by
from voxlake.ngff.making import Making
from voxlake.platform import store
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
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.lake import Place
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


def start_ingest(workspace: Workspace, request: IngestRequest) -> Job:
    """Check the request, record the job and return it; `run_job` does the work.

    Raises what `checked_ingest` does.
    """
    return record_job(workspace, checked_ingest(workspace, request))


def checked_ingest(workspace: Workspace, request: IngestRequest) -> IngestSpec:
    """Check a request, the name and the image included; return what its job is to do.

    Raises
    ------
    SourceError, UnsupportedError
        If the source is not whole, or holds what voxlake does not store.
    ConflictError
        If the dataset exists.
    NotFoundError
        If the image that the labels belong to does not.
    InvalidInputError
        If voxel size, levels or shape do not fit.
    """
    _check_free(workspace, request.place)
    return ingest_spec(request, _image_of(workspace, request.place), workspace.settings)


def ingest_of(workspace: Workspace, name: DatasetName) -> IngestSpec | None:
    """Return what the ingest did that made a dataset; None if the catalog does not know it."""
    done = workspace.catalog.ledger.jobs_of(name, kind=INGEST.name, states={JobState.DONE})
    return IngestSpec.model_validate(done[0].spec) if done else None


def _check_free(workspace: Workspace, place: Place) -> None:
    """Raise ConflictError if there is a dataset of that name, or something where it would lie."""
    try:
        workspace.catalog.get_dataset(place.name)
    except NotFoundError:
        pass
    else:
        raise ConflictError(f"dataset {place.name} exists; choose another name")
    url = workspace.lake / place.key
    if store.exists(url / "zarr.json"):
        raise ConflictError(f"{url} holds a dataset already; choose another name")


def _image_of(workspace: Workspace, place: Place) -> Dataset | None:
    """Return the image that the labels at `place` belong to; None if they belong to none.

    Raises
    ------
    NotFoundError, InvalidInputError
        If it is not there, or is no image.
    """
    if place.of is None:
        return None
    image = workspace.place(place.name.sibling(place.of))
    if image.kind is not Kind.IMAGE:
        raise InvalidInputError(f"{image.name} is no image; labels belong to an image")
    return workspace.dataset(image)


def create_target(work: Work[IngestSpec]) -> None:
    """Put the new dataset into the catalog and its metadata on the store; twice is no harm."""
    place, catalog = work.place, work.workspace.catalog
    record = DatasetRecord(
        name=place.name,
        kind=place.kind.value,
        of=place.of,
        url=place.key,
        state=DatasetState.INGESTING,
        public=work.spec.public,
        created_at=datetime.now(UTC),
    )
    new = _new_dataset(work.spec)
    try:
        catalog.add_dataset(record)
    except ConflictError:
        if catalog.get_dataset(place.name).state is DatasetState.READY:
            raise
    create_dataset(work.workspace.lake, new, work.job)
    catalog.set_dataset_state(place.name, DatasetState.INGESTING)


def making_of(work: Work[IngestSpec]) -> Making:
    """Return the making of the dataset by the job."""
    return Making(work.workspace.lake / work.place.key, work.job)


def _new_dataset(spec: IngestSpec) -> NewDataset:
    source = spec.address.open()
    return NewDataset(
        spec.place,
        source.axes,
        spec.voxel_size.unit,
        check_dtype(spec.kind_of_dataset, source.dtype),
        plan_levels_by(spec.kind_of_dataset, spec.extent(source), spec.steps),
        spec.reduction,
        spec.time.unit if spec.time else None,
    )


def _stages(work: Work[IngestSpec]) -> list[Plan]:
    spec, limits = work.spec, task_limits(work.workspace.settings, work.spec.task_bytes)
    index = work.index_url if spec.index else None
    plans = [plan for plan, _ in plan_passes(work.dataset(), spec.address, limits, index, work.job)]
    return [*plans, *index_stages(work, keep=True)] if spec.index else plans


def _begin(work: Work[IngestSpec]) -> None:
    if work.spec.index:
        begin_indexing(work)


def _renew(work: Work[IngestSpec]) -> None:
    if work.spec.index:
        renew_indexing(work)


def _finish(work: Work[IngestSpec]) -> None:
    sweep(work)
    making_of(work).finish()
    work.workspace.catalog.set_dataset_state(work.place.name, DatasetState.READY)


def _fail(work: Work[IngestSpec]) -> None:
    work.workspace.catalog.set_dataset_state(work.place.name, DatasetState.FAILED)


def _removes(work: Work[IngestSpec]) -> bool:
    """Return whether the dataset is not ready, and no other job has yet to make it so."""
    name = work.place.name
    try:
        record = work.workspace.catalog.get_dataset(name)
    except NotFoundError:
        return False
    unfinished = work.ledger.jobs_of(name, kind=work.spec.kind, states=UNFINISHED)
    return record.state is not DatasetState.READY and all(j.id == work.job for j in unfinished)


def _cancel(work: Work[IngestSpec]) -> None:
    if _removes(work):
        _remove_dataset(work.workspace, work.place)
    elif work.spec.index:
        clear_indexing(work)


def _remove_dataset(workspace: Workspace, place: Place) -> None:
    name = place.name
    labels = [
        str(record.name)
        for record in workspace.catalog.list_datasets(name.collection, name.experiment)
        if record.of == name.dataset
    ]
    if labels:
        raise ConflictError(f"{', '.join(labels)} belong to {name}; cancel or remove them first")
    if place.of is not None:
        list_labels(workspace.lake, place, listed=False)
    store.delete_tree(workspace.lake / place.key)
    store.delete_tree(workspace.lake / place.index_key)
    workspace.catalog.remove_dataset(name)


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
