"""What an ingest is to do: as it is asked for, checked against source and image, and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import Spec, at
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.passes.reduce import check_factors
from voxlake.compute.sources import open_source
from voxlake.compute.sources.location import absolute_location
from voxlake.ngff.grid.axes import VoxelSize, check_axes
from voxlake.ngff.grid.dtypes import check_dtype
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels, step_factors
from voxlake.ngff.grid.reduction import Reduction, check_reduction, default_reduction
from voxlake.platform.errors import (
    InvalidInputError,
    OutOfBoundsError,
    SourceError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from voxlake.compute.sources import Source
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.lake import Place
    from voxlake.platform.settings import Settings


class IngestSpec(Spec):
    """Write a new dataset from a source, with its pyramid and, for labels, its index."""

    kind: Literal["ingest"] = "ingest"
    source: str
    source_fingerprint: str
    voxel_size: VoxelSize
    index: bool = False
    public: bool = False
    reverse: tuple[str, ...] = ()
    """Axes whose first voxel is the source's last."""
    reduction: Reduction
    steps: tuple[tuple[int, ...], ...]
    """Factors of every axis from each level to the next."""
    task_bytes: int
    """Voxels that a task handles, about, in bytes."""

    @property
    def address(self) -> SourceAddress:
        """The source as tasks find it."""
        return SourceAddress(self.source, self.source_fingerprint, self.reverse)


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


def ingest_spec(request: IngestRequest, image: Dataset | None, settings: Settings) -> IngestSpec:
    """Check a request as far as it can be without a lake, and return what its job is to do.

    Parameters
    ----------
    request
        What to ingest.
    image
        The image that the labels belong to, if they belong to one.
    settings
        Say how large tasks are.

    Raises
    ------
    SourceError, UnsupportedError, InvalidInputError
        As of `voxlake.compute.jobs.kinds.ingest.checked_ingest`.
    """
    place = request.place
    source = open_source(request.source)
    source.check()
    check_dtype(place.kind, source.dtype)
    _check_shape(place, source, image)
    voxel_size = _voxel_size(request, source, image)
    extent = Extent(tuple(source.shape), source.axes, voxel_size)
    return IngestSpec(
        **at(place),
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
