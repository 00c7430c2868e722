"""The source that voxlake's own readers return: an array with named axes, and what reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.axes import SPATIAL, VoxelSize, parse_unit
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.compute.sources.arrangement import Arrangement

    type ReadStored = Callable[[Box], np.ndarray]
    type FillStored = Callable[[Box, np.ndarray], None]


def _nothing() -> None:
    """Check nothing: opening has seen all that there is to see."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ArrangedSource:
    """A `Source` that also `ReadsInto`, made of functions that know the order of the file alone.

    Each of them is called by many threads at once, with boxes that are inside and not empty.
    """

    arrangement: Arrangement
    """Names and extents of the axes as stored, and how they are shown."""
    dtype: np.dtype
    """In this machine's byte order; what is read in another type is converted."""
    fingerprint: str
    read_stored: ReadStored = field(repr=False)
    """Return a box of the stored array. What must not be written to (a map) is copied."""
    fill_stored: FillStored | None = field(default=None, repr=False)
    """Do so into memory that is there, in the stored order and of `dtype`: spares a copy."""
    stored_block: tuple[int, ...] | None = None
    """Extents, in the stored order, of what is decoded as a whole; None if nothing is coded."""
    voxel_size: VoxelSize | None = None
    check_stored: Callable[[], None] = field(default=_nothing, repr=False)
    """Inspect all that can be inspected without decoding."""

    @property
    def axes(self) -> tuple[str, ...]:
        """``z, y, x``, with ``t`` and ``c`` before them where there is more than one."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each of `axes`."""
        return self.arrangement.shape

    @property
    def block(self) -> tuple[int, ...]:
        """`stored_block` along `axes`, clipped to the array; ones if nothing is coded."""
        return self.arrangement.block(self.stored_block)

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of `box`, C-contiguous."""
        box.check_inside(Box.of_shape(self.shape), "the source")
        if box.is_empty:
            return np.empty(box.shape, self.dtype)
        voxels = np.asarray(self._shown(box), self.dtype, order="C")
        return voxels if voxels.flags.writeable else voxels.copy()

    def read_into(self, box: Box, out: np.ndarray) -> None:
        """Fill `out`, of the shape of `box` and of `dtype`, with contiguous rows."""
        box.check_inside(Box.of_shape(self.shape), "the source")
        if box.is_empty:
            return
        if self.fill_stored is None:
            out[...] = self._shown(box)
        else:
            self.fill_stored(self.arrangement.stored_box(box), self.arrangement.as_stored(out))

    def check(self) -> None:
        """Inspect all of the input that can be inspected without decoding it."""
        self.check_stored()

    def _shown(self, box: Box) -> np.ndarray:
        return self.arrangement.as_shown(self.read_stored(self.arrangement.stored_box(box)))


def filled(fill: FillStored, dtype: np.dtype) -> ReadStored:
    """Return the `read_stored` of a reader that fills memory: it gets new memory each time."""

    def read(box: Box) -> np.ndarray:
        out = np.empty(box.shape, dtype)
        fill(box, out)
        return out

    return read


def complete_voxel_size(
    sizes: Mapping[str, float], units: Mapping[str, str] | str
) -> VoxelSize | None:
    """Return the voxel size that an input says by axis; None if it is not complete.

    It is if z, y and x all have a positive size and the same known unit of length. A text as
    `units` is that of all axes.

    Examples
    --------
    >>> complete_voxel_size({"z": 40, "y": 4, "x": 4}, "nm")
    VoxelSize(z=40.0, y=4.0, x=4.0, unit='nanometer')
    >>> complete_voxel_size({"y": 4, "x": 4}, "nm") is None
    True
    """
    if isinstance(units, str):
        units = dict.fromkeys(SPATIAL, units)
    try:
        (unit,) = {parse_unit(str(units[axis])) for axis in SPATIAL}
        z, y, x = (float(sizes[axis]) for axis in SPATIAL)
        return VoxelSize(z, y, x, unit)
    except (KeyError, ValueError, TypeError):
        return None
