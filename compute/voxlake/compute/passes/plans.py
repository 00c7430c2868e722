"""Plan passes: an ingest with its pyramid, or a pyramid alone, in as few readings as possible."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.cut import Cut, LevelGrid, Limits, cut_pyramid
from voxlake.compute.passes.downsample import plan_downsample
from voxlake.compute.passes.ingest import check_shard_size
from voxlake.compute.passes.region import Pass, run_region
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box, Cell, cell_box, grid_shape
from voxlake.ngff.labels.handle import labels_of
from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.making.unfinished import Making
from voxlake.ngff.shards.format import find_shard_format, shard_format
from voxlake.ngff.shards.reader import StoredShard, open_shard
from voxlake.ngff.shards.storing import always
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from voxlake.compute.passes.ingest import SourceAddress
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

_OPENING = Lock()

MOST_OPEN = 64
"""Shards of a level that a task keeps open: each is an open file, if the store is local."""


@dataclass(frozen=True, slots=True)
class PassSpec:
    """A pass, as its tasks carry it."""

    source: SourceAddress | None
    """What level 0 is written from; None: the base level is there, and read."""
    dataset: StoreURL
    base: int
    """Level that every voxel is read of."""
    cut: Cut
    index: StoreURL | None = None
    """Where the label index is written along with level 0; None: nowhere."""
    job: str = ""
    """The job that makes the dataset (see `Making`); empty: it is made."""
    folder: str = field(default="", repr=False)
    """Folder of the group that the levels lie in: they are others once it was written over."""


@dataclass(frozen=True, slots=True)
class RegionTask:
    """Make all levels of a pass over one region."""

    spec: PassSpec
    cell: Cell
    """Of the grid of regions."""

    def __call__(self) -> Result:
        """Write all shards of the region; doing it again writes the same bytes."""
        work = _opened_pass(self.spec)
        base = work.volumes[0]
        region = cell_box(self.cell, self.spec.cut.region) & base.box
        read = self.spec.source.read_into if self.spec.source else LevelReader(base).read_into
        made = run_region(work, read, region)
        return Result(
            voxels=made.voxels,
            bytes=made.voxels * base.dtype.itemsize,
            stored_shards=made.stored if self.spec.source else 0,
        )


def plan_passes(
    dataset: Dataset,
    source: SourceAddress | None,
    limits: Limits,
    index: StoreURL | None = None,
    job: str = "",
) -> list[tuple[Plan, Cut | None]]:
    """Plan the ingest of `source` with all levels, or of all levels above 0 if it is None.

    Levels whose blocks cross the chunks below are made by themselves: they have no cut. With
    `index`, the label index of level 0 is written there along with its shards. With a `job`,
    nothing is stored unless the dataset is still made by it.

    Raises
    ------
    UnsupportedError
        If there is an `index`, and the dataset is none that can be indexed.
    LimitExceededError
        If a shard may be larger than its store takes.
    """
    if index is not None:
        check_labels(labels_of(dataset, index).at_time().volume)
    volumes = dataset.every_level()
    pyramid, itemsize = pyramid_of(dataset, volumes), volumes[0].dtype.itemsize
    block = source.open().block if source else None
    plans: list[tuple[Plan, Cut | None]] = []
    for planned in cut_pyramid(pyramid, block, itemsize, limits):
        if planned.cut is None:
            plans.append((plan_downsample(dataset, planned.last), None))
            continue
        writes_source = planned.first == 0
        spec = PassSpec(
            source if writes_source else None,
            dataset.url,
            planned.base,
            planned.cut,
            index if writes_source else None,
            job,
            dataset.multiscale.folder,
        )
        plans.append((_plan(dataset, volumes, spec), spec.cut))
    return plans


def pyramid_of(dataset: Dataset, volumes: Sequence[Volume]) -> list[LevelGrid]:
    """Return how the levels of `dataset`, which are open, are cut."""
    return [
        LevelGrid(volume.shape, volume.chunk, volume.shard, dataset.step(level))
        for level, volume in enumerate(volumes)
    ]


def _plan(dataset: Dataset, volumes: Sequence[Volume], spec: PassSpec) -> Plan:
    first = 0 if spec.source else spec.base + 1
    last = spec.base + spec.cut.levels - 1
    written = volumes[first : last + 1]
    for volume in written:
        check_shard_size(volume)
    base = volumes[spec.base]
    return Plan(
        stage_name(first, last),
        grid_shape(base.shape, spec.cut.region),
        partial(RegionTask, spec),
        fingerprint(
            spec.source,
            dataset.reduction,
            spec.cut.region,
            [(volume.url, volume.metadata) for volume in written],
        ),
        spec.cut.memory_bytes,
        sum(math.prod(volume.shape) for volume in written),
    )


def stage_name(first: int, last: int) -> str:
    """Return what the stage that makes the levels from `first` to `last` is called."""
    if first == 0:
        return "ingest"
    return f"downsample-{first}" if first == last else f"downsample-{first}-{last}"


def _opened_pass(spec: PassSpec) -> Pass:
    with _OPENING:  # Tasks that begin together ask for what they share once.
        return _open_pass(spec)


@lru_cache(maxsize=16)
def _open_pass(spec: PassSpec) -> Pass:
    dataset = open_dataset(spec.dataset)
    levels = range(spec.base, spec.base + spec.cut.levels)
    volumes = tuple(in_parallel(opened_volume, map(dataset.level_url, levels)))
    steps = tuple(map(dataset.step, levels))
    block = spec.source.open().block if spec.source else volumes[0].chunk
    codings = [shard_format(volume) for volume in volumes[0 if spec.source else 1 :]]
    written = (*([] if spec.source else [None]), *codings)
    check = Making(spec.dataset, spec.job).check if spec.job else always
    return Pass(
        volumes,
        written,
        steps,
        block,
        dataset.reduction,
        spec.cut,
        spec.index,
        check,
        is_far=spec.source is None and not volumes[0].url.is_local,
    )


class LevelReader:
    """Reads a level for one task: its last `MOST_OPEN` shards stay open."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._shard = lru_cache(maxsize=MOST_OPEN)(partial(open_shard, volume))
        self._opening = Lock()

    def read_into(self, box: Box, out: npt.NDArray[Any]) -> None:
        """Fill `out` with the voxels of `box`, which begins on the chunk grid."""
        if find_shard_format(self._volume) is None:
            out[...] = self._volume.read(box).result()
            return

        def read(cell: tuple[int, ...]) -> None:
            part = self._volume.shard_box(cell) & box
            self._opened(cell).read_into(part, out[part.within(box).slices])

        cells = box.cells(self._volume.shard)
        for _ in map(read, cells) if self._volume.url.is_local else in_parallel(read, cells):
            pass

    def _opened(self, cell: tuple[int, ...]) -> StoredShard:
        with self._opening:  # Threads that want the same shard ask for it, and its index, once.
            shard: StoredShard = self._shard(cell)
            _ = shard.entries
        return shard
