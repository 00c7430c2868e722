"""Voxels in the coordinates of a frame, as bossDB has them: what no voxel is stored of is 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import Any

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data import datasets as data
from voxlake.api.data.labels.labels import ask_each_time, labels_in_box
from voxlake.api.data.opened import check_labels
from voxlake.api.data.voxels import Voxels, voxels_of
from voxlake.api.formats.cutout import USUAL_AXES, Cutout
from voxlake.api.formats.format import Format
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.again import read_again
from voxlake.api.http.answers.cutout import CutoutReading
from voxlake.documents.bossdb.resources import datatype_of
from voxlake.documents.places.places import FrameDocument
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.grid.axes import SPATIAL, Axis, AxisType
from voxlake.ngff.grid.box import Box
from voxlake.ngff.volume import Volume
from voxlake.platform.access import ReadVoxels
from voxlake.platform.catalog import DatasetRecord
from voxlake.platform.errors import (
    LimitExceededError,
    NotFoundError,
    OutOfBoundsError,
    UnsupportedError,
)

TIME = Axis("t", AxisType.TIME)


@dataclass(frozen=True, slots=True)
class FrameBox:
    """A box of a level in the coordinates of a frame."""

    level: int
    zyx: Box
    t: tuple[int, int] | None
    """Time points; None: the first, which is no axis of what is answered then."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A cutout in a frame, and how its voxels are read."""

    cutout: Cutout
    """Its box is that of voxels of the level, and may reach beyond them."""
    volume: Volume
    names: tuple[str, ...]
    """Axes of the volume."""
    voxels: Voxels

    @property
    def chunk(self) -> tuple[int, ...]:
        """Smallest readable block along the axes of the cutout."""
        known = dict(zip(self.names, self.volume.chunk, strict=True))
        return tuple(known.get(name, 1) for name in self.cutout.names)

    @property
    def reading_bytes(self) -> int:
        """Memory that reading all of it as one takes."""
        return 3 * self.cutout.nbytes + self.volume.decoding_bytes(self.stored)

    @property
    def copies(self) -> int:
        """How often the voxels are in memory while they are read."""
        as_stored = self.cutout.dtype == self.voxels.dtype
        whole = as_stored and self.stored == self._own(self.cutout.box)
        return self.voxels.copies if whole else self.voxels.copies + 1

    @property
    def stored(self) -> Box:
        """The part of the volume that is read."""
        return self._own(self.cutout.box) & self.volume.box

    def reading(self, form: Format) -> CutoutReading:
        """Return how all of it is read and sent in a format."""
        return CutoutReading(
            self.cutout,
            form,
            self.read,
            copies=self.copies,
            decoding_bytes=self.volume.decoding_bytes(self.stored),
            chunk=self.chunk,
        )

    async def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the voxels of a box of the cutout."""
        own = self._own(box)
        inside = own & self.volume.box
        if inside == own:
            voxels = await self.voxels.read(own)
        else:
            voxels = np.zeros(own.shape, self.voxels.dtype)
            if not inside.is_empty:
                voxels[inside.within(own).slices] = await self.voxels.read(inside)
        return voxels.astype(self.cutout.dtype, copy=False).reshape(box.shape)

    def _own(self, box: Box) -> Box:
        return along(self.names, self.cutout, box)


async def open_framed(
    granted: Granted[ReadVoxels],
    asked: FrameBox,
    frame: FrameDocument | None,
    labels: npt.NDArray[np.uint64] | None = None,
) -> Framed:
    """Return how the voxels of a box of a frame are read.

    Parameters
    ----------
    frame
        None: that of level 0 of the dataset.
    labels
        Labels that are kept, all others are 0; None: all.

    Raises
    ------
    OutOfBoundsError
        If the box is not in the frame, or there are no such time points.
    UnsupportedError
        If the dataset has several channels, or axes that bossDB has not.
    """
    dataset = await data.open_dataset(granted)
    volume = await data.open_level(granted, dataset, asked.level)
    finest = await data.open_level(granted, dataset, 0)
    voxels = await voxels_of(granted, volume, labels=labels)
    cutout = cutout_in_frame(granted.record, asked, dataset, frame, finest)
    return Framed(cutout, volume, dataset.multiscale.axis_names, voxels)


def cutout_in_frame(
    record: DatasetRecord,
    asked: FrameBox,
    dataset: Dataset,
    frame: FrameDocument | None,
    finest: Volume,
) -> Cutout:
    """Describe the voxels of a box of a frame, as bossDB's clients have them.

    Raises
    ------
    OutOfBoundsError, UnsupportedError
        As of `open_framed`.
    """
    names = dataset.multiscale.axis_names
    _check_axes(record, names, finest.shape)
    box = _own_box(asked, dataset, frame, finest.shape)
    by_name = {axis.name: axis for axis in dataset.multiscale.axes}
    placed = dataset.multiscale.levels[asked.level]
    scale = dict(zip(names, placed.scale, strict=True))
    origin = dict(zip(names, placed.translation, strict=True))
    shown = ("t", *SPATIAL) if asked.t is not None else SPATIAL
    return Cutout(
        dataset=str(record.name),
        level=asked.level,
        box=box,
        dtype=np.dtype(datatype_of(record.kind, finest.dtype.name)),
        axes=tuple(by_name.get(name, TIME) for name in shown),
        scale=tuple(scale.get(name, 1.0) for name in shown),
        translation=tuple(
            origin.get(name, 0.0) + scale.get(name, 1.0) * lo
            for name, lo in zip(shown, box.start, strict=True)
        ),
    )


def along(names: tuple[str, ...], cutout: Cutout, box: Box) -> Box:
    """Return a box of a cutout along axes of these names: the first of those that it has not."""
    ends = dict(zip(cutout.names, zip(box.start, box.stop, strict=True), strict=True))
    own = [ends.get(name, (0, 1)) for name in names]
    return Box(tuple(lo for lo, _ in own), tuple(hi for _, hi in own))


async def ids_in(granted: Granted[ReadVoxels], framed: Framed) -> npt.NDArray[np.uint64]:
    """Return the labels, ascending, that have voxels in a cutout; background is none.

    By the label index where it knows them: of level 0.

    Raises
    ------
    LimitExceededError
        If the box is too large, or there are too many labels.
    """
    check_labels(granted)
    if framed.stored.is_empty:
        return np.empty(0, np.uint64)
    if framed.cutout.level == 0 and "c" not in framed.names:
        return await _indexed_in(granted, framed.stored)
    answers, held = granted.gateway.answers, framed.reading_bytes
    if held > answers.share_bytes:
        raise LimitExceededError(
            f"the labels of {framed.cutout.box} of level {framed.cutout.level} are found by their "
            f"voxels, which take {held} bytes of memory, and the server has {answers.share_bytes}; "
            "ask for a smaller box"
        )
    async with answers.hold(held):
        voxels = await read_again(partial(framed.read, framed.cutout.box))
        labels = await to_thread.run_sync(np.unique, voxels)
    found: npt.NDArray[np.uint64] = labels[labels != 0].astype(np.uint64)
    return found


async def _indexed_in(granted: Granted[ReadVoxels], box: Box) -> npt.NDArray[np.uint64]:
    """Return the labels in a box of level 0, z, y, x or t, z, y, x."""
    zyx = Box(box.start[-3:], box.stop[-3:])
    times = range(box.start[0], box.stop[0]) if box.ndim == 4 else [0]
    labels = np.empty(0, np.uint64)
    for time in times:
        inside, _, _ = await labels_in_box(granted, zyx, (0, None), time=time, counts=False)
        labels = np.union1d(labels, inside.labels)
    return labels


async def box_of_label(
    granted: Granted[ReadVoxels], label: int, level: int, frame: FrameDocument | None
) -> tuple[Box, tuple[int, int]]:
    """Return the tightest box z, y, x around a label in a frame, and its time points, half-open.

    Above level 0 it is that of level 0, grown to whole voxels of the level.

    Raises
    ------
    NotFoundError
        If no voxel has it at any time point.
    """
    dataset = await data.open_dataset(granted)
    await data.open_level(granted, dataset, level)
    extents = await ask_each_time(granted, lambda view: view.extent(label, counted=False))
    if not extents:
        raise NotFoundError(f"no voxel of {granted.record.name} has the label {label}")
    own = reduce(or_, (extent.box for extent in extents.values()))
    factors = _factors(dataset, level)
    grown = own.aligned(factors)
    box = Box(
        tuple(lo // n for lo, n in zip(grown.start, factors, strict=True)),
        tuple(hi // n for hi, n in zip(grown.stop, factors, strict=True)),
    ).shifted(_start(frame, factors))
    return box, (min(extents), max(extents) + 1)


def _check_axes(record: DatasetRecord, names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    if names != tuple(name for name in USUAL_AXES if name in names) or not set(SPATIAL) <= {*names}:
        raise UnsupportedError(
            f"{record.name} has the axes {', '.join(names)}, and bossDB's API has "
            "t, z, y and x; ask below /v2"
        )
    if "c" in names and shape[names.index("c")] > 1:
        raise UnsupportedError(
            f"{record.name} has {shape[names.index('c')]} channels in one dataset, and a "
            "channel of bossDB is one; ask below /v2"
        )


def _own_box(
    asked: FrameBox, dataset: Dataset, frame: FrameDocument | None, finest: tuple[int, ...]
) -> Box:
    """Return the box in voxels of its level; bossDB's clients ask any level in those of level 0."""
    sizes = dict(zip(dataset.multiscale.axis_names, finest, strict=True))
    stop = tuple(sizes[name] for name in SPATIAL) if frame is None else frame.stop
    factors = _factors(dataset, asked.level)
    whole = Box(_start(frame, (1, 1, 1)), stop)
    # What lies before it are the voxels of a level whose frame begins above 0: at a half of that.
    last = tuple(-(-hi // n) for hi, n in zip(stop, factors, strict=True))
    reach = whole | Box(_start(frame, factors), last)
    if asked.zyx.is_empty or not reach.contains(asked.zyx):
        raise OutOfBoundsError(
            f"z, y, x {asked.zyx} was asked for, and the frame holds {whole}; ask for voxels in it"
        )
    first = _start(frame, factors)
    box = asked.zyx.shifted(tuple(-lo for lo in first))
    if asked.t is None:
        return box
    lo, hi = asked.t
    times = sizes.get("t", 1)
    if not 0 <= lo < hi <= times:
        raise OutOfBoundsError(f"time points {lo}:{hi} were asked for, and there are 0:{times}")
    return Box((lo, *box.start), (hi, *box.stop))


def _factors(dataset: Dataset, level: int) -> tuple[int, ...]:
    """Return how many voxels of level 0 one of a level is long, along z, y and x."""
    names = dataset.multiscale.axis_names
    known = dict(zip(names, dataset.factors(level), strict=True))
    return tuple(known.get(name, 1) for name in SPATIAL)


def _start(frame: FrameDocument | None, factors: tuple[int, ...]) -> tuple[int, ...]:
    """Return where a frame begins, in voxels of the level that has these factors."""
    start = (0, 0, 0) if frame is None else frame.start
    return tuple(lo // n for lo, n in zip(start, factors, strict=True))
