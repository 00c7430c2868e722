"""Start jobs: check everything that can be checked before a voxel is written, then record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.jobs.spec import (
    DownsampleSpec,
    IndexSpec,
    IngestSpec,
    VerifySpec,
    spec_of,
)
from voxlake.compute.passes.reduce import check_factors
from voxlake.compute.sources import open_source
from voxlake.compute.sources.location import absolute_location
from voxlake.ngff.grid.axes import check_axes
from voxlake.ngff.grid.layout import Kind, check_dtype
from voxlake.ngff.grid.pyramid import Extent, plan_levels, step_factors
from voxlake.ngff.grid.reduction import Reduction, check_reduction, default_reduction
from voxlake.ngff.lake import Place, dataset_url
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ObjectNotFoundError,
    OutOfBoundsError,
    SourceError,
    UnsupportedError,
)
from voxlake.platform.jobs import JobState

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.sources import Source
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.axes import VoxelSize
    from voxlake.ngff.grid.box import Box
    from voxlake.platform.jobs import Job
    from voxlake.platform.names import DatasetName
    from voxlake.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What to ingest, and as what."""

    source: str
    """Location of the source."""
    place: Place
    voxel_size: VoxelSize | None = None
    """None: what the source says, or the image that the labels belong to."""
    levels: int | None = None
    """None: until a level fits one chunk, or as many as the image has."""
    factors: tuple[tuple[int, int, int], ...] | None = None
    """Factors of z, y, x from each level to the next, instead of `levels`."""
    reduction: Reduction | None = None
    """How levels are made; None: as is usual for the kind."""
    reverse: tuple[str, ...] = ()
    """Axes whose first voxel is the source's last: slices counted from the far end, say."""
    index: bool = False
    """Whether to build the label index too."""
    public: bool = False
    """Whether everyone may read it."""


def start_ingest(workspace: Workspace, request: IngestRequest) -> Job:
    """Check the request, record the job and return it; `run_job` does the work.

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
    check_free(workspace, request.place)
    spec = ingest_spec(request, image_of(workspace, request.place), workspace.settings)
    return _record(workspace, spec, request.place)


def ingest_spec(request: IngestRequest, image: Dataset | None, settings: Settings) -> IngestSpec:
    """Check a request as far as it can be without a lake, and return what its job is to do.

    Parameters
    ----------
    request
        What to ingest.
    image
        What `image_of` says.
    settings
        Say how large tasks are.

    Raises
    ------
    SourceError, UnsupportedError, InvalidInputError
        As of `start_ingest`.
    """
    place = request.place
    source = open_source(request.source)
    source.check()
    check_dtype(place.kind, source.dtype)
    _check_shape(place, source, image)
    voxel_size = _voxel_size(request, source, image)
    extent = Extent(tuple(source.shape), source.axes, voxel_size)
    return IngestSpec(
        name=str(place.name),
        kind_of_dataset=place.kind,
        of=place.of,
        source=absolute_location(request.source),
        source_fingerprint=source.fingerprint,
        voxel_size=voxel_size,
        steps=_steps(request, extent, image),
        reduction=_reduction(request),
        reverse=_reversed(request, source),
        task_bytes=settings.task_bytes,
        index=request.index and place.kind is Kind.LABELS,
        public=request.public,
    )


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
    finest = workspace.dataset(place).level(0)
    for box in boxes or ():
        if box.ndim != len(finest.shape):
            raise OutOfBoundsError(
                f"box {box} has {box.ndim} axes; {name} has the shape {finest.shape}: give a range "
                "for each"
            )
        box.check_inside(finest.box, str(name))
    spec = DownsampleSpec(
        name=str(name),
        kind_of_dataset=place.kind,
        of=place.of,
        task_bytes=workspace.settings.task_bytes,
        boxes=boxes,
    )
    return _record(workspace, spec, place)


def start_index(workspace: Workspace, name: DatasetName) -> Job:
    """Record a job that builds the label index of labels anew.

    Raises
    ------
    UnsupportedError
        If the dataset is an image.
    """
    place = workspace.place(name)
    if place.kind is not Kind.LABELS:
        raise UnsupportedError(f"{name} is an image; only labels have a label index")
    return _record(
        workspace, IndexSpec(name=str(name), kind_of_dataset=place.kind, of=place.of), place
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
    """
    place = workspace.place(name)
    mark = ""
    if source is not None:
        opened = open_source(source)
        opened.check()
        shape = workspace.dataset(place).level(0).shape
        if tuple(opened.shape) != shape:
            raise SourceError(f"{source} has shape {opened.shape}; {name} has {shape}")
        mark = opened.fingerprint
    spec = VerifySpec(
        name=str(name),
        kind_of_dataset=place.kind,
        of=place.of,
        source=absolute_location(source) if source else None,
        source_fingerprint=mark,
        reverse=_reverse_of(workspace, name) if reverse is None else reverse,
        task_bytes=workspace.settings.task_bytes,
        hashes=hashes,
    )
    return _record(workspace, spec, place)


def ingest_of(workspace: Workspace, name: DatasetName) -> IngestSpec | None:
    """Return what the ingest did that made a dataset; None if the catalog does not know it."""
    for job in workspace.catalog.ledger.list_jobs():
        if job.dataset == name and job.state is JobState.DONE and job.kind == "ingest":
            spec = spec_of(job)
            return spec if isinstance(spec, IngestSpec) else None
    return None


def _reverse_of(workspace: Workspace, name: DatasetName) -> tuple[str, ...]:
    ingest = ingest_of(workspace, name)
    return ingest.reverse if ingest else ()


def _record(
    workspace: Workspace, spec: IngestSpec | DownsampleSpec | IndexSpec | VerifySpec, place: Place
) -> Job:
    ledger = workspace.catalog.ledger
    return ledger.create_job(spec.kind, place.name, spec.model_dump(mode="json"))


def check_free(workspace: Workspace, place: Place) -> None:
    """Raise ConflictError if there is a dataset of that name, or something where it would lie."""
    try:
        workspace.catalog.get_dataset(place.name)
    except NotFoundError:
        pass
    else:
        raise ConflictError(f"dataset {place.name} exists; choose another name")
    url = dataset_url(workspace.lake, place)
    try:
        store.head(url / "zarr.json")
    except ObjectNotFoundError:
        return
    raise ConflictError(f"{url} holds a dataset already; choose another name")


def image_of(workspace: Workspace, place: Place) -> Dataset | None:
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


def _check_shape(place: Place, source: Source, image: Dataset | None) -> None:
    check_axes(source.axes)
    if place.kind is Kind.LABELS and len(source.axes) != 3:
        raise UnsupportedError(
            f"{place.name} would have the axes {source.axes}; labels have z, y, x only"
        )
    if image is None:
        return
    shape = image.level(0).shape[-3:]
    if tuple(source.shape[-3:]) != shape:
        raise SourceError(
            f"the source has shape {source.shape}, the image {place.of} has {shape}; labels cover "
            "their image voxel by voxel"
        )


def _voxel_size(request: IngestRequest, source: Source, image: Dataset | None) -> VoxelSize:
    theirs = image.multiscale.voxel_size if image else None
    voxel_size = request.voxel_size or theirs or source.voxel_size
    if voxel_size is None:
        raise InvalidInputError(
            f"{request.source} does not say how large a voxel is; give z,y,x like 40,4,4nm"
        )
    if theirs is not None and voxel_size != theirs:
        raise InvalidInputError(
            f"voxel size {voxel_size} differs from {theirs} of the image; leave it out"
        )
    return voxel_size


def _steps(
    request: IngestRequest, extent: Extent, image: Dataset | None
) -> tuple[tuple[int, ...], ...]:
    """Return the factors from each level to the next, those of the image for its labels."""
    lead = (1,) * (len(extent.shape) - 3)
    if request.factors is not None and request.levels is not None:
        raise InvalidInputError("levels and factors were given; the factors say how many levels")
    asked = [(*lead, *factors) for factors in request.factors or ()]
    for factors in asked:
        check_factors(factors)
    if image is None:
        if request.factors is not None:
            return tuple(asked)
        return step_factors(plan_levels(request.place.kind, extent, request.levels))
    # NGFF 0.5, "labels": they MUST have as many levels as their image.
    theirs = [(*lead, *image.step(level)[-3:]) for level in range(1, image.levels)]
    if request.levels not in {None, image.levels} or (request.factors and asked != theirs):
        raise OutOfBoundsError(
            f"other levels were asked for; the image has {image.levels}, and its labels have the "
            "same: leave levels and factors out"
        )
    return tuple(theirs)


def _reduction(request: IngestRequest) -> Reduction:
    kind = request.place.kind
    return check_reduction(request.reduction or default_reduction(kind), kind)


def _reversed(request: IngestRequest, source: Source) -> tuple[str, ...]:
    unknown = set(request.reverse) - set(source.axes)
    if unknown:
        raise InvalidInputError(
            f"{', '.join(sorted(unknown))} cannot be reversed; the source has {source.axes}"
        )
    return request.reverse
