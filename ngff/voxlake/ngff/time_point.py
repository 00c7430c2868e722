"""Time points: the voxels z, y, x of one moment of an array t, z, y, x, as a volume."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box, Cell
from voxlake.ngff.shards.format import shard_format
from voxlake.ngff.volume import Volume
from voxlake.platform.errors import OutOfBoundsError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    import numpy.typing as npt

    from voxlake.ngff.codecs.blosc_heads import Head
    from voxlake.ngff.pending import Pending
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class TimePoint(Volume):
    """One time point of an array: whole shards of it, in coordinates z, y, x."""

    whole: Volume = field(kw_only=True)
    """All time points: t, z, y, x."""
    time: int = field(kw_only=True)

    @property
    def shards_url(self) -> StoreURL:
        """Address below which the objects of its shards lie: a folder, if the array has folders."""
        folder, *inside = self.shard_key((0, 0, 0)).rsplit("/", 3)
        return self.url / folder if len(inside) == 3 else self.url

    def box_in_whole(self, box: Box) -> Box:
        """Return where a box z, y, x lies among all time points."""
        return Box((self.time, *box.start), (self.time + 1, *box.stop))

    def shard_key(self, cell: tuple[int, ...]) -> str:
        """Return the key, below the array, of the object of the shard at `cell` z, y, x."""
        return self.whole.shard_key((self.time, *cell))

    def cell_of(self, key: str) -> Cell | None:
        """Return the cell z, y, x of the shard at a key below the array; None if it has none."""
        cell = self.whole.cell_of(key)
        return cell[1:] if cell is not None and cell[0] == self.time else None

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> Pending[None]:
        """Write `voxels` into `box`; as `Volume.write`."""
        self.check_fits(box, voxels)
        return self.whole.write(self.box_in_whole(box), voxels[np.newaxis])

    @contextmanager
    def locked(self, box: Box) -> Iterator[None]:
        """Keep `write` from the shards that `box` touches; as `Volume.locked`."""
        with self.whole.locked(self.box_in_whole(box)):
            yield

    def heads(self, box: Box) -> Sequence[Head]:
        """Ask for what has to be looked at before the chunks of `box` are decoded."""
        return self.whole.heads(self.box_in_whole(box))


def at_time(whole: Volume, time: int) -> TimePoint:
    """Return a time point of an array t, z, y, x.

    Raises
    ------
    UnsupportedError
        If its shards hold several time points, or it has no such axes.
    OutOfBoundsError
        If it has no such time point.
    """
    if len(whole.shape) != 4 or whole.shard[0] != 1:
        raise UnsupportedError(
            f"{whole.url} has the shape {whole.shape} in shards of {whole.shard}; time points are "
            "told apart in arrays t, z, y, x whose shards hold one each: ingest it anew"
        )
    if not 0 <= time < whole.shape[0]:
        raise OutOfBoundsError(
            f"time point {time} of {whole.url} was asked for; it has 0 to {whole.shape[0] - 1}"
        )
    point = TimePoint(whole.url, whole.array[time], whole.metadata, whole=whole, time=time)
    if whole.reader is None:
        return point
    reader = replace(whole.reader, volume=point, box=point.box, coding=shard_format(point))
    return replace(point, reader=reader)
