"""Voxels are written in the coordinates of a frame, as bossDB's clients have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.data.framed import FrameBox, along, cutout_in_frame
from voxlake.api.data.writing import writing
from voxlake.api.data.writing.writing import Target
from voxlake.api.formats.cutout import Cutout
from voxlake.api.guards.datasets import Granted
from voxlake.documents.places.places import FrameDocument
from voxlake.ngff.grid.box import Box
from voxlake.platform.access import AddVoxels
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError


@dataclass(frozen=True, slots=True)
class FramedTarget:
    """A box of a frame that voxels are to be written to, and what of it can be stored."""

    cutout: Cutout
    """The voxels that are to come; its box may reach beyond those that the dataset has."""
    box: Box
    """The same box along the axes of the dataset."""
    target: Target
    """The part of it that the dataset has; empty if that is none."""

    def stored(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what is written of the voxels that came: those of the target.

        Raises
        ------
        OutOfBoundsError
            If others than 0 lie beyond it.
        InvalidInputError
            If one is larger than the type of the dataset holds.
        """
        inside = voxels.reshape(self.box.shape)[self.target.box.within(self.box).slices]
        if inside.size < voxels.size and np.count_nonzero(inside) < np.count_nonzero(voxels):
            raise OutOfBoundsError(
                f"voxels were sent for {self.cutout.box}, and {self.cutout.dataset} has none but "
                f"in {self.target.volume.box}; send 0 beyond it, or a smaller box"
            )
        return self._as_stored(inside)

    def _as_stored(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        dtype = self.target.volume.dtype
        if voxels.dtype == dtype:
            return voxels
        if voxels.size and (largest := int(voxels.max())) > np.iinfo(dtype).max:
            raise InvalidInputError(
                f"{largest} was sent, and the ids of {self.cutout.dataset} are {dtype}; send ids "
                f"up to {np.iinfo(dtype).max}"
            )
        return voxels.astype(dtype)


async def open_framed_target(
    granted: Granted[AddVoxels], asked: FrameBox, frame: FrameDocument | None
) -> FramedTarget:
    """Open a box of a frame, to write to it.

    Parameters
    ----------
    asked
        A box of level 0.
    frame
        None: that of the dataset.

    Raises
    ------
    OutOfBoundsError
        If the box is not in the frame, or there are no such time points.
    UnsupportedError
        If the dataset is registered in place, has several channels, or axes that bossDB has not.
    ConflictError
        If it is not ready.
    LimitExceededError
        If the box is too large.
    """
    finest = await writing.open_finest(granted)
    dataset, volume = finest.dataset, finest.volume
    cutout = cutout_in_frame(granted.record, asked, dataset, frame, volume)
    writing.check_size(granted, cutout)
    box = along(dataset.multiscale.axis_names, cutout, cutout.box)
    target = writing.target_of(granted, finest, box & volume.box)
    return FramedTarget(cutout, box, target)
