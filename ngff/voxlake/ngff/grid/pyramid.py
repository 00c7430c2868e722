"""Pyramids: which levels a dataset has, their shapes, factors and places. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from voxlake.ngff.grid.axes import SPATIAL, TimeStep, VoxelSize
from voxlake.ngff.grid.box import Box, grid_shape
from voxlake.ngff.grid.layout import Kind, Layout, choose_layout
from voxlake.platform.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class PyramidLevel:
    """One level as it is to be created."""

    path: str
    """Name of its array in the group: ``0``, ``1``, ..."""
    shape: tuple[int, ...]
    """Voxels along each axis."""
    factors: tuple[int, ...]
    """Voxels of level 0 that one voxel of this level spans, along each axis."""
    scale: tuple[float, ...]
    """Physical size of a voxel along each axis."""
    translation: tuple[float, ...]
    """Physical place of the centre of the first voxel along each axis."""
    layout: Layout


@dataclass(frozen=True, slots=True)
class Extent:
    """What a pyramid is planned from: the array at level 0."""

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    voxel_size: VoxelSize
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Place of the centre of the first voxel: z, y, x in the unit of `voxel_size`."""
    time: TimeStep | None = None
    """Of axis t, if it is known."""
    centred: bool = True
    """Whether a voxel of a level above lies in the middle of its block, or where its first does."""

    @property
    def scale(self) -> tuple[float, ...]:
        """Size of a voxel of level 0 along each of `axes`."""
        sizes = self.voxel_size.along(self.axes)
        step = self.time.step if self.time else 1.0
        return tuple(step if n == "t" else s for n, s in zip(self.axes, sizes, strict=True))

    @property
    def start(self) -> tuple[float, ...]:
        """Place of the first voxel of level 0 along each of `axes`."""
        places = dict(zip(SPATIAL, self.translation, strict=True))
        places["t"] = self.time.start if self.time else 0.0
        return tuple(places.get(name, 0.0) for name in self.axes)


def plan_levels_by(
    kind: Kind, extent: Extent, steps: tuple[tuple[int, ...], ...]
) -> tuple[PyramidLevel, ...]:
    """Return level 0 and one for each of `steps`: factors of every axis from the level before.

    Examples
    --------
    >>> extent = Extent((100, 400, 400), ("z", "y", "x"), VoxelSize(40, 10, 10))
    >>> [level.shape for level in plan_levels_by(Kind.IMAGE, extent, ((1, 4, 4), (3, 3, 3)))]
    [(100, 400, 400), (100, 100, 100), (34, 34, 34)]
    """
    factors = (1,) * len(extent.shape)
    planned = [_level(kind, extent, 0, factors)]
    for step in steps:
        factors = tuple(f * s for f, s in zip(factors, step, strict=True))
        planned.append(_level(kind, extent, len(planned), factors))
    return tuple(planned)


def plan_levels(kind: Kind, extent: Extent, levels: int | None = None) -> tuple[PyramidLevel, ...]:
    """Return the levels of a dataset, the finest first.

    Each level halves the spatial axes whose voxels are still less than twice the finest, which
    leads towards isotropy, until a level fits one chunk or there are `levels` of them.

    Raises
    ------
    InvalidInputError
        If an axis is empty, or `levels` is less than 1 or more than can be halved.

    Examples
    --------
    >>> extent = Extent((100, 400, 400), ("z", "y", "x"), VoxelSize(40, 10, 10))
    >>> [level.shape for level in plan_levels(Kind.IMAGE, extent)]
    [(100, 400, 400), (100, 200, 200), (100, 100, 100), (50, 50, 50)]
    """
    if min(extent.shape) < 1:
        raise InvalidInputError(f"shape {extent.shape} has an empty axis; nothing can be stored")
    if levels is not None and levels < 1:
        raise InvalidInputError(f"{levels} levels were asked for; a dataset has at least one")
    factors = (1,) * len(extent.shape)
    planned = [_level(kind, extent, 0, factors)]
    while levels is None or len(planned) < levels:
        step = halving(planned[-1], extent.axes)
        if max(step) == 1:
            if levels is not None:
                raise InvalidInputError(
                    f"{levels} levels were asked for, but {extent.shape} voxels can be halved only "
                    f"{len(planned) - 1} times; ask for at most {len(planned)}"
                )
            break
        if levels is None and _fits_one_chunk(planned[-1], extent.axes):
            break
        factors = tuple(f * s for f, s in zip(factors, step, strict=True))
        planned.append(_level(kind, extent, len(planned), factors))
    return tuple(planned)


def halving(level: PyramidLevel, axes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the factors (1 or 2 for each axis) from `level` to the next."""
    sizes = {
        name: scale
        for name, scale, extent in zip(axes, level.scale, level.shape, strict=True)
        if name in SPATIAL and extent > 1
    }
    finest = min(sizes.values(), default=0.0)
    return tuple(2 if name in sizes and sizes[name] < 2 * finest else 1 for name in axes)


def step_factors(levels: tuple[PyramidLevel, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the factors between each level and the one before it."""
    return tuple(
        tuple(b // a for a, b in zip(fine.factors, coarse.factors, strict=True))
        for fine, coarse in pairwise(levels)
    )


def finer_box(box: Box, factors: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """Return the voxels of the finer level, of `shape`, that the voxels in `box` are made of.

    Examples
    --------
    >>> finer_box(Box((0, 1), (2, 3)), (1, 2), (2, 5))
    Box(start=(0, 2), stop=(2, 5))
    """
    scaled = Box(
        tuple(lo * f for lo, f in zip(box.start, factors, strict=True)),
        tuple(hi * f for hi, f in zip(box.stop, factors, strict=True)),
    )
    return scaled & Box.of_shape(shape)


def coarser_box(box: Box, factors: tuple[int, ...]) -> Box:
    """Return the voxels of the coarser level that any voxel of `box` is part of.

    Examples
    --------
    >>> coarser_box(Box((0, 3), (2, 5)), (1, 2))
    Box(start=(0, 1), stop=(2, 3))
    """
    return Box(
        tuple(lo // f for lo, f in zip(box.start, factors, strict=True)),
        tuple(-(-hi // f) for hi, f in zip(box.stop, factors, strict=True)),
    )


def inner_box(box: Box, factors: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """Return the voxels of the coarser level that are made of voxels in `box` alone.

    `shape` is that of the finer level, at whose end blocks are cut.

    Examples
    --------
    >>> inner_box(Box((1, 0), (4, 4)), (2, 2), (9, 9)), inner_box(Box((1,), (9,)), (2,), (9,))
    (Box(start=(1, 0), stop=(2, 2)), Box(start=(1,), stop=(5,)))
    """
    axes = list(zip(box.start, box.stop, factors, shape, strict=True))
    start = tuple(-(-lo // f) for lo, _, f, _ in axes)
    stop = (-(-hi // f) if hi == n else hi // f for _, hi, f, n in axes)
    return Box(start, tuple(map(max, start, stop)))


def level_translation(
    factors: tuple[int, ...], scale: tuple[float, ...], start: tuple[float, ...]
) -> tuple[float, ...]:
    """Return where the first voxel's centre lies, for a base at `start` with voxels of `scale`.

    The centre of a block of f voxels is (f - 1) / 2 voxels after the centre of its first one
    (NGFF 0.5, "multiscales" metadata; made explicit in 0.6).

    Examples
    --------
    >>> level_translation((1, 4), (40.0, 10.0), (0.0, 100.0))
    (0.0, 115.0)
    """
    axes = zip(factors, scale, start, strict=True)
    return tuple(place + (f - 1) / 2 * size for f, size, place in axes)


def _level(kind: Kind, extent: Extent, number: int, factors: tuple[int, ...]) -> PyramidLevel:
    shape = grid_shape(extent.shape, factors)
    base = extent.scale
    scale = tuple(size * f for size, f in zip(base, factors, strict=True))
    sizes = dict(zip(extent.axes, scale, strict=True))
    voxel_size = VoxelSize(sizes["z"], sizes["y"], sizes["x"], extent.voxel_size.unit)
    layout = choose_layout(kind, shape, extent.axes, voxel_size)
    blocks = factors if extent.centred else (1,) * len(factors)
    translation = level_translation(blocks, base, extent.start)
    return PyramidLevel(str(number), shape, factors, scale, translation, layout)


def _fits_one_chunk(level: PyramidLevel, axes: tuple[str, ...]) -> bool:
    return all(
        extent <= edge
        for name, extent, edge in zip(axes, level.shape, level.layout.chunk, strict=True)
        if name in SPATIAL
    )
