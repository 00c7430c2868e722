"""What a job is to make, known before any of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.passes.cut import LevelGrid, Reading, cut_pyramid
from voxlake.compute.passes.plans import LevelReader, pyramid_of
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import plan_levels_by
from voxlake.ngff.shards.format import ShardFormat, shard_format

if TYPE_CHECKING:
    from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
    from voxlake.compute.passes.cut import Limits, PlannedPass
    from voxlake.compute.passes.region import ReadInto
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.reduction import Reduction


@dataclass(frozen=True, slots=True)
class Target:
    """The levels of a dataset, how they are to be made, and of what."""

    job: str
    """The kind of job."""
    dataset: str
    """Its name."""
    source: str | None
    """What is ingested, as the user wrote it."""
    read: ReadInto
    """Reads the source, or level 0, as it will be stored."""
    pyramid: tuple[LevelGrid, ...]
    """All levels, the finest first."""
    codings: tuple[ShardFormat, ...]
    """How the shards of each are coded."""
    reduction: Reduction
    passes: tuple[PlannedPass, ...]
    """In the order in which they are made."""
    block: tuple[int, ...]
    """What reading level 0, or its source, decodes as a whole."""
    block_itemsize: int
    """Bytes of a voxel there."""
    first: int
    """Lowest level that is made: 0, or 1 if level 0 is there."""
    indexed: bool = False
    """Whether the label index is made too."""
    understood: str | None = None
    """What of the source is understood, in words."""
    notes: tuple[str, ...] = ()
    """What to know of it besides."""

    @property
    def strip(self) -> tuple[int, ...]:
        """What tasks read of level 0 at a time, as far as samples follow: whole volumes if more."""
        cut = self.passes[0].cut if self.passes else None
        if cut is None or cut.reading is not Reading.DIRECT:
            return self.pyramid[0].shape
        return cut.strips[0]

    @property
    def itemsize(self) -> int:
        """Bytes of a stored voxel."""
        return self.codings[0].dtype.itemsize


def target_of_ingest(spec: IngestSpec, limits: Limits) -> Target:
    """Return what an ingest makes."""
    source = spec.address.open()
    kind = Kind(spec.kind_of_dataset)
    dtype = spec.stored_dtype(source)
    levels = plan_levels_by(kind, spec.extent(source), spec.steps)
    steps = ((1,) * len(source.shape), *spec.steps)
    pyramid = tuple(
        LevelGrid(level.shape, level.layout.chunk, level.layout.shard, step)
        for level, step in zip(levels, steps, strict=True)
    )
    codings = tuple(
        # As `voxlake.ngff.making.create.array_document` has it.
        ShardFormat(at.chunk, at.shard, False, dtype, at.zstd_level, True, 0)  # noqa: FBT003
        for at in (level.layout for level in levels)
    )
    block = tuple(source.block)
    passes = tuple(cut_pyramid(pyramid, block, dtype.itemsize, limits))
    return Target(
        job="ingest",
        dataset=spec.name,
        source=spec.source,
        read=spec.address.read_into,
        pyramid=pyramid,
        codings=codings,
        reduction=spec.reduction,
        passes=passes,
        block=block,
        block_itemsize=source.dtype.itemsize,
        first=0,
        indexed=spec.index,
        understood=spec.preview(),
    )


def target_of_dataset(name: str, dataset: Dataset, limits: Limits) -> Target:
    """Return what building all levels of a dataset anew makes.

    Raises
    ------
    UnsupportedError
        If a level is not coded as voxlake does.
    """
    volumes = dataset.every_level()
    pyramid = tuple(pyramid_of(dataset, volumes))
    finest = volumes[0]
    passes = tuple(cut_pyramid(pyramid, None, finest.dtype.itemsize, limits))
    return Target(
        job="downsample",
        dataset=name,
        source=None,
        read=LevelReader(finest).read_into,
        pyramid=pyramid,
        codings=tuple(map(shard_format, volumes)),
        reduction=dataset.reduction,
        passes=passes,
        block=finest.chunk,
        block_itemsize=finest.dtype.itemsize,
        first=1,
    )
