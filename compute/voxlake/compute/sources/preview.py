"""What is understood of a source, in one line: shown before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.channels import channels_of
from voxlake.compute.sources.convert import loss_of
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.units import symbol_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.axes import TimeStep, VoxelSize


def preview(
    source: Source,
    voxel_size: VoxelSize | None = None,
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0),
    time: TimeStep | None = None,
    stored: np.dtype[Any] | None = None,
) -> str:
    """Return extents, channels, times, type, voxel size and place, for people.

    Parameters
    ----------
    voxel_size, translation, time
        As they are stored; without a voxel size nothing is said of places.
    stored
        What voxels are converted to, if that was asked for.

    Examples
    --------
    >>> from voxlake.compute.sources import open_source
    >>> from voxlake.ngff.grid.axes import VoxelSize
    >>> preview(open_source("phantom:12,100,120"), VoxelSize(40, 8, 8))
    '12 x 100 x 120 zyx, uint8, 40 x 8 x 8 nm'
    """
    return ", ".join(_parts(source, voxel_size, translation, time, stored))


def _parts(
    source: Source,
    voxel_size: VoxelSize | None,
    translation: tuple[float, float, float],
    time: TimeStep | None,
    stored: np.dtype[Any] | None,
) -> Iterator[str]:
    extents = dict(zip(source.axes, source.shape, strict=True))
    arranged = source if isinstance(source, ArrangedSource) else None
    yield " x ".join(str(extents[name]) for name in SPATIAL) + " zyx"
    if "c" in extents:
        yield f"{extents['c']} channels"
    if "t" in extents:
        each = f" of {time.step:g} {symbol_of(time.unit or '')}".rstrip() if time else ""
        yield f"{extents['t']} times{each}"
    loss = f" as {stored.name} ({loss_of(source.dtype, stored)})" if stored is not None else ""
    yield f"{source.dtype.name}{loss}"
    if arranged and arranged.remark:
        yield arranged.remark
    if voxel_size is not None:
        yield voxel_size.text
        if any(translation):
            place = ", ".join(f"{start:g}" for start in translation)
            yield f"translation {place} {symbol_of(voxel_size.unit or '')}"
    if faults := channels_of(source).faults:
        yield f"left out of what is said of its channels: {'; '.join(faults)}"
    if arranged and not arranged.arrangement.is_named:
        yield "no names of axes: taken in this order (--axes says otherwise)"
