"""Cut a pass over a volume into regions, and a region into strips. Arithmetic only.

A pass reads every voxel of a base level once and makes one or more levels of it. A task does one
region, which holds whole shards of every level that is made. It goes through the region in layers
along z, and through a layer in strips, which are what threads work on: of a level that is made,
strips are encoded as they are complete, and reduced into the layer of the next level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Extents = tuple[int, ...]

STRIP_BYTES = 8 << 20
"""Voxels of a strip, about: enough to hide what handing it to a thread costs."""

PIECE_BYTES = 1 << 20
"""Voxels of a piece of a layer that is read at once, at least: blocks may be a few bytes."""

WIDE_STRIP_BYTES = 64 << 20
"""Largest strip, where blocks of the source ask for more."""

MOST_REGION_TASKS = 32
"""Tasks that a large volume is cut into at least; more if its regions would be too large."""

MOST_READS = 1.25
"""Blocks of the source are decoded at most so often, on average, to spare memory."""

MOST_TOGETHER = 16
"""Channels and times that are read together at most, where blocks of the source hold several."""

REGION_GROWTH = 8
"""Regions grow to this times the smallest as the volume does, to hold the shards of more levels."""


class Reading(StrEnum):
    """How a task gets at the voxels of its region."""

    DIRECT = "direct"
    """Strip by strip."""
    LAYERED = "layered"
    """A whole layer into memory, since blocks of the source are wider than a strip may be."""
    STAGED = "staged"
    """A whole layer into a temporary file, since it is larger than the memory limit."""


@dataclass(frozen=True, slots=True)
class LevelGrid:
    """One level of a pass; the first is the base."""

    shape: Extents
    chunk: Extents
    shard: Extents
    step: Extents
    """Factors from the level before."""


@dataclass(frozen=True, slots=True)
class Block:
    """What is decoded as a whole of what a pass reads its base level from."""

    extents: Extents
    itemsize: int
    """Bytes of a voxel as it is stored."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What tasks may take."""

    task_bytes: int
    """Voxels of a region, about, in bytes."""
    memory_bytes: int
    """Most memory of a task."""
    threads: int
    """Threads that work on strips."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a pass is cut; all extents along the axes of the volume, in voxels."""

    levels: int
    """How many levels the pass makes; those above need another pass."""
    region: Extents
    """Voxels of the base that a task reads."""
    depths: tuple[int, ...]
    """Extent along z of the layers of each level."""
    strips: tuple[Extents, ...]
    """Extent of the strips of each level."""
    reading: Reading
    reads: float
    """How often each block of the source is decoded, on average: 1.0 if once."""
    memory_bytes: int
    """Projected peak of a task."""
    scratch_bytes: int = 0
    """Temporary files of a task: the layers, if they are staged."""


@dataclass(frozen=True, slots=True)
class PlannedPass:
    """Levels that are made together, from one reading of the level before them or of a source."""

    base: int
    """Level that every voxel is read of; of an ingest it is written too."""
    first: int
    """Lowest level that is written."""
    last: int
    cut: Cut | None
    """None: one level whose blocks cross the chunks below, made shard by shard."""


def cut_pyramid(
    pyramid: Sequence[LevelGrid], block: Extents | None, itemsize: int, limits: Limits
) -> list[PlannedPass]:
    """Cut the making of all levels of a dataset into as few readings as possible.

    The first makes as many levels as it can; what is left is made from the highest of them.

    Parameters
    ----------
    pyramid
        All levels, the finest first.
    block
        What the source of level 0 decodes as a whole; None: level 0 is there.
    itemsize
        Bytes of a voxel as it is stored.
    """
    passes: list[PlannedPass] = []
    made = 0 if block is None else -1
    while made < len(pyramid) - 1:
        base = max(made, 0)
        decoded = block if made < 0 and block is not None else pyramid[base].chunk
        ones = (1,) * len(pyramid[base].shape)
        upward = (replace(pyramid[base], step=ones), *pyramid[base + 1 :])
        # Reading a level to make none of it would be for nothing.
        least = 1 if made < 0 else 2
        cut = cut_pass(upward, Block(decoded, itemsize), limits, least)
        reached = base + cut.levels - 1
        if reached == made:
            passes.append(PlannedPass(made, made + 1, made + 1, None))
            made += 1
            continue
        passes.append(PlannedPass(base, made + 1, reached, cut))
        made = reached
    return passes


def cut_pass(pyramid: Sequence[LevelGrid], block: Block, limits: Limits, least: int = 1) -> Cut:
    """Cut a pass from the first of `pyramid` as far up as regions stay small enough.

    It makes at least `least` levels, if strips of each hold whole blocks of the next.
    """
    most = _region_bytes(pyramid[0].shape, block, limits)
    made = pyramid[: _level_count(pyramid, block, most, least)]
    base, depths = made[0], _depths(made, block)
    direct = _is_direct(made, block)
    region = _grown(_region(made, block), base, block, most)
    reading = Reading.DIRECT
    if not direct:
        layer = _layer_bytes(made[:1], depths, region, block)
        reading = Reading.STAGED if layer > limits.memory_bytes // 2 else Reading.LAYERED
    first = _direct_strip(base, block) if direct else _strip(base, block)
    granule = tuple(map(min, first, region)) if direct else (*region[:-3], depths[0], *region[-2:])
    return Cut(
        len(made),
        region,
        depths,
        (first, *(_strip(level, block) for level in made[1:])),
        reading,
        _reads(base.shape, granule, block.extents),
        _projected(made, depths, region, first, reading, block, limits),
        _layer_bytes(made, depths, region, block) if reading is Reading.STAGED else 0,
    )


def _region_bytes(shape: Extents, block: Block, limits: Limits) -> int:
    total = math.prod(shape) * block.itemsize
    least = limits.task_bytes
    return min(max(total // MOST_REGION_TASKS, least), REGION_GROWTH * least)


def _level_count(pyramid: Sequence[LevelGrid], block: Block, most: int, least: int) -> int:
    """Return how many levels can be made in one pass whose regions have at most `most` bytes."""
    reachable = 1
    while reachable < len(pyramid) and _joins(pyramid, reachable, block):
        reachable += 1
    while reachable > least and _size(_region(pyramid[:reachable], block), block) > most:
        reachable -= 1
    return reachable


def _joins(pyramid: Sequence[LevelGrid], levels: int, block: Block) -> bool:
    """Return whether strips of the last of `levels` hold whole blocks of the level after it."""
    below, level = pyramid[levels - 1], pyramid[levels]
    divides = all(c % s == 0 for c, s in zip(below.chunk[-3:], level.step[-3:], strict=True))
    if not divides or any(s != 1 for s in level.step[:-3]):
        return False
    depths = _depths(pyramid[: levels + 1], block)
    return depths[-1] <= 4 * max(level.chunk[-3], depths[0])


def _region(pyramid: Sequence[LevelGrid], block: Block) -> Extents:
    smallest = (*_together(pyramid[0], block), *_smallest_region(pyramid)[-3:])
    if _is_direct(pyramid, block):
        return smallest
    return _around_blocks(smallest, pyramid[0], block)


def _together(base: LevelGrid, block: Block) -> Extents:
    """Return the extents before z of what is read together: whole shards that hold a block."""
    room, extents = MOST_TOGETHER, []
    axes = zip(block.extents[-4::-1], base.shard[-4::-1], base.shape[-4::-1], strict=True)
    for decoded, shard, whole in axes:
        extents.append(min(-(-min(decoded, room) // shard) * shard, whole))
        room = max(1, room // extents[-1])
    return tuple(extents[::-1])


def _is_direct(pyramid: Sequence[LevelGrid], block: Block) -> bool:
    """Return whether blocks of the source fit strips."""
    strip = _direct_strip(pyramid[0], block)
    return (
        _size(tuple(map(min, strip, pyramid[0].shape)), block) <= WIDE_STRIP_BYTES
        and _reads(pyramid[0].shape, strip, block.extents) <= MOST_READS
    )


def _smallest_region(pyramid: Sequence[LevelGrid]) -> Extents:
    """Return the smallest region of the base that holds whole shards of every level."""
    region = list(pyramid[0].shard)
    factors = [1] * len(region)
    for level in pyramid:
        for axis, step in enumerate(level.step):
            factors[axis] *= step
            if level.shard[axis] >= level.shape[axis]:
                region[axis] = pyramid[0].shape[axis]
            elif region[axis] < pyramid[0].shape[axis]:
                region[axis] = math.lcm(region[axis], level.shard[axis] * factors[axis])
    return tuple(min(n, whole) for n, whole in zip(region, pyramid[0].shape, strict=True))


def _grown(region: Extents, base: LevelGrid, block: Block, most: int) -> Extents:
    """Return the region, wider along x and then y while it may be: files hold long rows."""
    extents = list(region)
    for axis in (-1, -2):
        while extents[axis] < base.shape[axis] and 2 * _size(extents, block) <= most:
            extents[axis] = min(2 * extents[axis], base.shape[axis])
    return tuple(extents)


def _around_blocks(region: Extents, base: LevelGrid, block: Block) -> Extents:
    """Return the region such that few blocks of the source are cut by its faces along y and x."""
    extents = list(region)
    for axis in (-2, -1):
        decoded, whole = block.extents[axis], base.shape[axis]
        step = math.lcm(extents[axis], decoded)
        if step > 4 * max(extents[axis], decoded):
            step = -(-8 * decoded // extents[axis]) * extents[axis]
        extents[axis] = min(step, whole)
    return tuple(extents)


def _depths(pyramid: Sequence[LevelGrid], block: Block) -> tuple[int, ...]:
    depths = [_covering(pyramid[0].chunk[-3], block.extents[-3], pyramid[0].shape[-3])]
    for level in pyramid[1:]:
        depths.append(math.lcm(level.chunk[-3], depths[-1] // level.step[-3]))
    return tuple(depths)


def _covering(chunk: int, block: int, whole: int) -> int:
    """Return a multiple of `chunk` that cuts no block, or few."""
    if block >= whole:
        return -(-whole // chunk) * chunk
    joint = math.lcm(chunk, block)
    return joint if joint <= 4 * max(chunk, block) else -(-block // chunk) * chunk


def _direct_strip(base: LevelGrid, block: Block) -> Extents:
    depth, rows, columns = (
        _covering(chunk, decoded, whole)
        for chunk, decoded, whole in zip(
            base.chunk[-3:], block.extents[-3:], base.shape[-3:], strict=True
        )
    )
    return _widened((*_together(base, block), depth, rows, columns), base, block)


def _strip(level: LevelGrid, block: Block) -> Extents:
    """Return a strip of a layer in memory: one chunk deep, so that no chunk waits for its turn."""
    return _widened(level.chunk, level, block)


def _widened(strip: Extents, level: LevelGrid, block: Block) -> Extents:
    extents = list(strip)
    while extents[-1] < level.shape[-1] and 2 * _size(extents, block) <= STRIP_BYTES:
        extents[-1] *= 2
    return tuple(extents)


def pieces_of(block: Extents, whole: Extents, itemsize: int) -> Extents:
    """Return a grid of whole blocks, of a size that is worth handing to a thread.

    Parameters
    ----------
    block
        What is decoded as a whole.
    whole
        What is cut into pieces.
    itemsize
        Bytes of a voxel.

    Examples
    --------
    >>> pieces_of((3, 1, 1, 1), (1, 64, 512, 512), 1)
    (3, 2, 512, 512)
    """
    extents = list(block)
    for axis in (-1, -2, -3):
        while extents[axis] < whole[axis] and _bytes(extents, whole, itemsize) < PIECE_BYTES // 2:
            extents[axis] *= 2
    return tuple(extents)


def _bytes(extents: Sequence[int], whole: Extents, itemsize: int) -> int:
    return math.prod(map(min, extents, whole)) * itemsize


def _size(extents: Sequence[int], block: Block) -> int:
    return math.prod(extents) * block.itemsize


def _layer_bytes(
    pyramid: Sequence[LevelGrid], depths: tuple[int, ...], region: Extents, block: Block
) -> int:
    """Return the bytes of the layers of all levels of `pyramid` together."""
    total, rows, columns = 0, region[-2] * math.prod(region[:-3]), region[-1]
    for level, depth in zip(pyramid, depths, strict=False):
        rows, columns = -(-rows // level.step[-2]), -(-columns // level.step[-1])
        total += min(depth, level.shape[-3]) * rows * columns * block.itemsize
    return total


def _projected(  # noqa: PLR0913, PLR0917
    made: Sequence[LevelGrid],
    depths: tuple[int, ...],
    region: Extents,
    strip: Extents,
    reading: Reading,
    block: Block,
    limits: Limits,
) -> int:
    """Return the strips in flight, read, cut into chunks and coded, and the layers in memory.

    Chunks of deep strips wait for their turn in the shard, coded: as large as voxels at worst.
    """
    in_flight = 2 * limits.threads + 2
    strips = 2 * in_flight * _size(tuple(map(min, strip, made[0].shape)), block)
    if reading is Reading.STAGED:
        return strips
    layers = _layer_bytes(made, depths, region, block)
    if reading is Reading.LAYERED:
        return strips + layers
    layers -= _layer_bytes(made[:1], depths, region, block)
    waiting = strip[-3] - made[0].chunk[-3]
    return strips + layers + _layer_bytes(made[:1], (waiting,), region, block)


def _reads(shape: Extents, granule: Extents, block: Extents) -> float:
    """Return how often a block is decoded if the volume is read granule by granule."""
    total = 1.0
    for whole, step, extent in zip(shape, granule, block, strict=True):
        starts = np.arange(0, whole, step)
        stops = np.minimum(starts + step, whole)
        touched = (stops - 1) // extent - starts // extent + 1
        total *= float(touched.sum()) / -(-whole // extent)
    return total
