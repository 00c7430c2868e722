"""The source that voxlake's own readers return: an array with named axes, and what reads it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arrangement import arrange_as_asked
from voxlake.compute.sources.calibration import UNKNOWN, Calibration
from voxlake.compute.sources.fingerprint import fingerprint_text
from voxlake.ngff.grid.box import Box
from voxlake.ngff.metadata.channels import NOTHING_SAID, Channels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    calibration: Calibration = UNKNOWN
    """Where the voxels lie, as far as the input says it."""
    check_stored: Callable[[], None] = field(default=_nothing, repr=False)
    """Inspect all that can be inspected without decoding."""
    remark: str = ""
    """What to know of the voxels, in words: that they are indices into a palette, say."""
    colours: Callable[[], ArrangedSource] | None = field(default=None, repr=False)
    """Return it with the colours of its palettes in the place of indices, if it may have any."""
    described: Channels = NOTHING_SAID
    """How the input says that its channels are called and shown."""
    slices: Callable[[], Sequence[str]] = field(default=tuple, repr=False)
    """Return the names of the files of the slices, in their order, if there is one for each."""
    labels: Callable[[], Mapping[str, str]] = field(default=dict, repr=False)
    """Return the locations of the labels that lie inside, by their names."""

    @property
    def axes(self) -> tuple[str, ...]:
        """``z, y, x``, with ``t`` and ``c`` before them where there is more than one."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each of `axes`."""
        return self.arrangement.shape

    @property
    def channels(self) -> Channels:
        """What is `described`, if it is of as many channels as there are."""
        extents = dict(zip(self.axes, self.shape, strict=True))
        return self.described.fitting(extents.get("c", 1))

    @property
    def doubt(self) -> str:
        """Why its axes have to be named before it can be read; empty if they are known."""
        return self.arrangement.doubt

    def with_axes(self, axes: str) -> ArrangedSource:
        """Return it with the axes of the stored array named by letters, whatever the input says.

        Raises
        ------
        SourceError
            If they do not fit.
        """
        stored, shape = self.arrangement.stored, self.arrangement.stored_shape
        arrangement = arrange_as_asked(axes, shape, "the source")
        return replace(
            self,
            arrangement=arrangement,
            fingerprint=fingerprint_text(self.fingerprint, "axes", "".join(arrangement.stored)),
            calibration=self.calibration.renamed(stored, arrangement.stored),
        )

    def in_colours(self) -> ArrangedSource:
        """Return it with the colours of palettes in the place of indices."""
        return self if self.colours is None else self.colours()

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
