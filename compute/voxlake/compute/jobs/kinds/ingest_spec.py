"""What an ingest is to do: as it is asked for, checked against source and image, and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from voxlake.compute.jobs.kinds.kind import Spec, at
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.sources import open_source
from voxlake.compute.sources.channels import channels_of
from voxlake.compute.sources.convert import loss_of
from voxlake.compute.sources.links import refuse_links_out
from voxlake.compute.sources.location import absolute_location
from voxlake.compute.sources.preview import preview
from voxlake.ngff.grid.axes import TimeStep, VoxelSize, check_axes
from voxlake.ngff.grid.dtypes import check_dtype
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels, step_factors
from voxlake.ngff.grid.reduction import (
    Reduction,
    check_factors,
    check_reduction,
    default_reduction,
)
from voxlake.ngff.labels.times import check_times
from voxlake.ngff.metadata.channels import Channel
from voxlake.platform.errors import (
    InvalidInputError,
    OutOfBoundsError,
    SourceError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.compute.sources import Source
    from voxlake.compute.sources.calibration import Calibration
    from voxlake.ngff.covered import CoveredImage
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
    axes: str = ""
    """Letters that name the source's axes as they are stored; empty: as it says itself."""
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Place of the first voxel: z, y, x in the unit of `voxel_size`."""
    time: TimeStep | None = None
    """From one time point to the next, if there are several and the source says it."""
    dtype: str = ""
    """What the source's voxels are converted to; empty: they are stored as they are."""
    channels: tuple[Channel, ...] = ()
    """How the channels of an image are called and shown, as far as the source says it."""
    replaces: tuple[str, ...] = ()
    """Paths of the levels of the dataset that it is to replace; empty: there is none."""
    owner: str | None = None
    """The user whose the dataset is to be; None: nobody's in particular."""

    @property
    def address(self) -> SourceAddress:
        """The source as tasks find it."""
        return SourceAddress(
            self.source, self.source_fingerprint, self.reverse, self.axes, self.is_image
        )

    def preview(self) -> str:
        """Return in one line what is understood of the source."""
        source = self.address.open()
        stored = self.stored_dtype(source) if self.dtype else None
        return preview(source, self.voxel_size, self.translation, self.time, stored)

    def stored_dtype(self, source: Source) -> np.dtype[Any]:
        """Return the type that the voxels are stored as."""
        return check_dtype(self.kind_of_dataset, np.dtype(self.dtype or source.dtype))

    def extent(self, source: Source) -> Extent:
        """Return what the pyramid is planned from."""
        return Extent(
            tuple(source.shape),
            source.axes,
            self.voxel_size,
            self.translation,
            self.time,
            centred=self.reduction is not Reduction.STRIDE,
        )


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
    axes: str = ""
    """Letters that name the source's axes as they are stored; empty: as it says itself."""
    drop_transform: bool = False
    """Whether what the source says of the place of its voxels, beyond their size, is left out."""
    dtype: str = ""
    """What the source's voxels are converted to; empty: they are stored as they are."""
    overwrite: bool = False
    """Whether it replaces the dataset of that name, if there is one."""

    def open(self) -> Source:
        """Return the source, as it is asked for."""
        is_image = self.place.kind is Kind.IMAGE
        return open_source(self.source, self.axes, colours=is_image)


def ingest_spec(
    request: IngestRequest, image: CoveredImage | None, settings: Settings
) -> IngestSpec:
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
    if request.index and place.kind is not Kind.LABELS:
        raise UnsupportedError(f"{place.name} would be an image; only labels have a label index")
    refuse_links_out(request.source)
    source = request.open()
    source.check()
    _check_dtype(place.kind, source.dtype, request.dtype)
    _check_shape(place, source, image)
    calibration = calibration_of(request, source)
    voxel_size = _voxel_size(request, calibration, image)
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
        index=request.index,
        public=request.public,
        axes=request.axes,
        translation=_translation(request, calibration, voxel_size, image),
        time=_time(source, calibration, image),
        dtype=request.dtype,
        channels=_channels(request, source),
    )


def _time(source: Source, calibration: Calibration, image: CoveredImage | None) -> TimeStep | None:
    """Return the step from one time point to the next; of labels it is that of their image."""
    if "t" not in source.axes:
        return None
    return calibration.time if image is None else image.time


def _channels(request: IngestRequest, source: Source) -> tuple[Channel, ...]:
    if request.place.kind is not Kind.IMAGE:
        return ()
    described = channels_of(source).described
    return described[::-1] if "c" in request.reverse else described


def _check_dtype(kind: Kind, dtype: np.dtype[Any], asked: str) -> None:
    """Raise UnsupportedError unless voxels of `dtype` are stored, or else converted to what is."""
    if asked:
        if kind is Kind.LABELS and asked != "uint64":
            raise UnsupportedError(
                f"labels as {asked} were asked for; they are uint64: leave --dtype out, or give "
                "--dtype uint64 for whole numbers that the source has as floats"
            )
        check_dtype(kind, np.dtype(asked))
        return
    try:
        check_dtype(kind, dtype)
    except UnsupportedError as error:
        wanted = "uint64" if kind is Kind.LABELS else "float32" if dtype.kind == "f" else "int32"
        loss = loss_of(dtype, np.dtype(wanted))
        raise UnsupportedError(f"{error}, as --dtype {wanted} does ({loss})") from error


def _check_shape(place: Place, source: Source, image: CoveredImage | None) -> None:
    check_axes(source.axes)
    if place.kind is Kind.LABELS and "c" in source.axes:
        raise UnsupportedError(
            f"{place.name} would have the axes {source.axes}; labels have z, y, x, and t before "
            "them: ingest each channel by itself"
        )
    times = dict(zip(source.axes, source.shape, strict=True)).get("t")
    if place.kind is Kind.LABELS and times is not None:
        check_times(times, str(place.name))
    if image is None:
        return
    if times not in {None, image.times}:
        raise SourceError(
            f"the source has {times} time points, the image {place.of} has {image.times or 'none'};"
            " labels cover each of their image, or have none"
        )
    if tuple(source.shape[-3:]) != image.shape:
        raise SourceError(
            f"the source has shape {source.shape}, the image {place.of} has {image.shape}; labels "
            "cover their image voxel by voxel"
        )


def calibration_of(request: IngestRequest, source: Source) -> Calibration:
    """Return what the source says of where its voxels lie, as far as that is wanted."""
    extents = dict(zip(source.axes, source.shape, strict=True))
    calibration = source.calibration.reversed(request.reverse, extents)
    return calibration.without_places() if request.drop_transform else calibration


def refused_places(calibration: Calibration) -> str:
    """Return, in words, what of the places cannot be kept, and what to do; empty if nothing."""
    unplaced = "; ".join(calibration.unplaced())
    if not unplaced:
        return ""
    turn = " ".join(f"--reverse {axis}" for axis in calibration.flipped)
    undone = f"{turn} undoes the flip, and " if turn else ""
    return (
        f"{unplaced}; {undone}--drop-transform leaves out all that it says of their places but the "
        "voxel size"
    )


def _voxel_size(
    request: IngestRequest, calibration: Calibration, image: CoveredImage | None
) -> VoxelSize:
    said = request.voxel_size or calibration.voxel_size
    if image is not None:
        return _size_of_image(request, said, image.voxel_size)
    if said is None:
        words = f" ({calibration.said})" if calibration.said else ""
        what = preview(request.open())
        by_image = ", or the image of the labels by --of" * (request.place.kind is Kind.LABELS)
        raise InvalidInputError(
            f"{request.source} ({what}) does not say how large a voxel is{words}; give its voxel "
            f"size as z,y,x and a unit, such as --voxel-size 40,4,4nm{by_image}"
        )
    return said


def _size_of_image(request: IngestRequest, said: VoxelSize | None, theirs: VoxelSize) -> VoxelSize:
    if said is None or said.matches(theirs):
        return theirs
    if request.voxel_size is not None:
        raise InvalidInputError(
            f"voxel size {said} differs from {theirs} of the image; leave it out"
        )
    raise InvalidInputError(
        f"{request.source} says that its voxels are {said.text}, those of the image are "
        f"{theirs.text}; if the image is right, give that with --voxel-size"
    )


def _translation(
    request: IngestRequest,
    calibration: Calibration,
    voxel_size: VoxelSize,
    image: CoveredImage | None,
) -> tuple[float, float, float]:
    """Return where the first voxel lies; of labels it is that of their image.

    Raises
    ------
    SourceError
        If the source says more of places than can be kept, or other places than the image.
    """
    unplaced = refused_places(calibration)
    if unplaced:
        raise SourceError(f"{request.source} says of its voxels what cannot be kept: {unplaced}")
    own = calibration.translation(voxel_size.unit)
    if image is None:
        return own
    theirs = image.translation
    # A format that knows no places says 0.
    if any(own) and not are_close(own, theirs, voxel_size):
        raise SourceError(
            f"{request.source} says that its first voxel lies at {own}, that of the image at "
            f"{theirs} {voxel_size.unit}; labels cover their image voxel by voxel: leave out what "
            "they say with --drop-transform, or mend it"
        )
    return theirs


def are_close(own: Sequence[float], theirs: Sequence[float], voxel_size: VoxelSize) -> bool:
    """Whether two places are the same to a hundredth of a voxel."""
    return all(
        abs(a - b) <= size / 100 for a, b, size in zip(own, theirs, voxel_size.zyx, strict=True)
    )


def _steps(
    request: IngestRequest, extent: Extent, image: CoveredImage | None
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
    theirs = [(*lead, *step) for step in image.steps]
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
