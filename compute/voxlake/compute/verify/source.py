"""Verify level 0 against its source: each slice is decoded once, as in an ingest.

A task compares the shards of one region, layer by layer along z: what it holds in memory is a layer
of the source, and a layer of each shard that is being compared with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.advance import advance
from voxlake.compute.passes.cut import Block, LevelGrid, Limits, Reading, cut_pass, pieces_of
from voxlake.compute.passes.plans import LevelReader
from voxlake.compute.passes.region import layer_memory
from voxlake.compute.passes.threads import run_ordered, thread_count
from voxlake.compute.plan import Plan, fingerprint
from voxlake.compute.verify.levels import differences, hash_of, in_order, new_hash
from voxlake.compute.verify.results import ComparedRegion, ComparedShard, stage_name
from voxlake.ngff.grid.box import Box, Cell, cell_box, grid_shape
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.compute.passes.cut import Cut
    from voxlake.compute.passes.ingest import SourceAddress
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class VerifySourceTask:
    """Compare the shards of one region with the source."""

    source: SourceAddress
    target: StoreURL
    cut: Cut
    hashes: bool
    """Whether the hashes of what is stored are told, for a report."""
    cell: Cell
    """Of the grid of regions."""

    def __call__(self) -> ComparedRegion:
        """Return how many voxels differ, and what was found of each shard."""
        volume = opened_volume(self.target)
        region = cell_box(self.cell, self.cut.region) & volume.box
        stored = LevelReader(volume)
        shards = [_Comparison(volume, cell, stored) for cell in region.cells(volume.shard)]
        for box, voxels in _layers(self.source, volume, self.cut, region):
            works = (partial(shard.compare, box, voxels) for shard in shards)
            for _ in run_ordered(works):
                pass
            advance(box.size)
        return ComparedRegion(
            voxels=region.size,
            different=sum(shard.different for shard in shards),
            shards=tuple(shard.result(hashes=self.hashes) for shard in shards),
        )


def plan_verify_source(
    source: SourceAddress, volume: Volume, limits: Limits, *, hashes: bool = False
) -> Plan:
    """Plan comparing level 0 with the source."""
    level = LevelGrid(volume.shape, volume.chunk, volume.shard, (1,) * len(volume.shape))
    cut = cut_pass([level], Block(source.open().block, volume.dtype.itemsize), limits)
    layer = math.prod((*cut.region[:-3], cut.depths[0], *cut.region[-2:])) * volume.dtype.itemsize
    if cut.reading is not Reading.STAGED and layer > limits.memory_bytes // 2:
        cut = replace(cut, reading=Reading.STAGED)
    compared = math.prod((cut.depths[0], *volume.shard[-2:])) * volume.dtype.itemsize
    in_memory = 0 if cut.reading is Reading.STAGED else layer
    return Plan(
        stage_name(0),
        grid_shape(volume.shape, cut.region),
        partial(VerifySourceTask, source, volume.url, cut, hashes),
        fingerprint("verify", source, cut.region, volume.url, volume.metadata),
        in_memory + 3 * compared * thread_count(),
        math.prod(volume.shape),
    )


def _layers(
    source: SourceAddress, volume: Volume, cut: Cut, region: Box
) -> Iterator[tuple[Box, npt.NDArray[Any]]]:
    """Yield the layers of a region with the source's voxels, in memory that is used again."""
    slab = (*region.shape[:-3], cut.depths[0], *volume.shape[-2:])
    depth = min(cut.depths[0], region.shape[-3])
    shape = (*region.shape[:-3], depth, *region.shape[-2:])
    memory = layer_memory(shape, volume.dtype, cut.reading)
    block = source.open().block
    for box in region.tiles(slab):
        view = memory[box.within(box).slices]
        if cut.reading is Reading.DIRECT:
            grid = cut.strips[0]
        else:
            grid = pieces_of(block, box.shape, volume.dtype.itemsize)
        pieces = (
            partial(source.read_into, piece, view[piece.within(box).slices])
            for piece in box.tiles(grid)
        )
        for _ in run_ordered(pieces):
            pass
        yield box, view


@dataclass(slots=True)
class _Comparison:
    """One shard, as far as it has been compared."""

    volume: Volume
    cell: Cell
    reader: LevelReader
    """Of the volume; it bounds how many shards of a region are open."""
    different: int = 0
    note: str | None = None
    damaged: bool = False
    decoded: hashlib.blake2b = field(default_factory=new_hash)
    """Of the voxels so far."""

    @property
    def box(self) -> Box:
        return self.volume.shard_box(self.cell)

    def compare(self, layer: Box, voxels: npt.NDArray[Any]) -> None:
        """Compare what of the shard lies in `layer`; layers come in order."""
        part = self.box & layer
        if part.is_empty or self.damaged:
            return
        stored = np.empty(part.shape, self.volume.dtype)
        try:
            self.reader.read_into(part, stored)
        except CorruptDataError as error:
            self.damaged, self.different, self.note = True, self.box.size, str(error)
            return
        count, first = differences(stored, voxels[part.within(layer).slices], part.within(self.box))
        self.different += count
        self.note = self.note or first
        self.decoded.update(in_order(stored))

    def result(self, *, hashes: bool) -> ComparedShard:
        """Return what was found."""
        url = self.volume.shard_url(self.cell)
        stored = store.read_if_there(url) if hashes else None
        return ComparedShard(
            index=self.volume.shard_number(self.cell),
            voxels=self.box.size,
            different=self.different,
            shard=f"{url} {self.box}" if self.different else "",
            note=self.note,
            decoded=self.decoded.hexdigest() if hashes and not self.damaged else None,
            stored=hash_of(stored.body if stored else None),
            bytes=len(stored.body) if stored else 0,
        )
