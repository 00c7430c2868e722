"""Labels in time: each time point has an index of its own, below that of the dataset.

``times/<t>/`` holds for one time point what the index itself holds for labels without time. What is
said of ids and not of voxels is not there but once: mapping, objects and reserved ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.grid.axes import AxisType
from voxlake.ngff.time_point import at_time
from voxlake.platform import store
from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

MOST_TIMES = 1 << 14
"""Time points of labels: who reserves ids, or merges, asks each of them."""

_TIMES = "times"


def time_index(index_url: StoreURL, time: int) -> StoreURL:
    """Return the address of the index of a time point, given that of the dataset."""
    return index_url / _TIMES / str(time)


def all_indices(index_url: StoreURL) -> Iterator[StoreURL]:
    """Yield the address of the index of a dataset, then those of its time points that are there."""
    yield index_url
    for name in store.list_children(index_url / _TIMES)[0]:
        yield index_url / _TIMES / name


def shard_in_time(volume: Volume, index_url: StoreURL, cell: Cell) -> tuple[Volume, StoreURL, Cell]:
    """Return volume, index and cell of a shard of labels, as the label index knows them: z, y, x.

    Parameters
    ----------
    volume, index_url, cell
        Level 0, z, y, x or t, z, y, x; the index of the dataset; the shard, in the write grid.
    """
    if len(cell) == 3:
        return volume, index_url, cell
    time, *inside = cell
    return at_time(volume, time), time_index(index_url, time), tuple(inside)


def check_axes(dataset: Dataset) -> None:
    """Refuse labels with an axis beside z, y, x that is not time.

    Raises
    ------
    UnsupportedError
        If there is one.
    """
    before = dataset.multiscale.axes[:-3]
    if [axis.type for axis in before] not in ([], [AxisType.TIME]):
        raise UnsupportedError(
            f"{dataset.url} has the axes {', '.join(dataset.multiscale.axis_names)}, and a label "
            "index knows z, y, x, and t before them; ingest each channel by itself"
        )


def count_times(volume: Volume) -> int | None:
    """Return how many time points labels have; None if time is no axis of theirs.

    Raises
    ------
    UnsupportedError
        If they are more than `MOST_TIMES`.
    """
    if len(volume.shape) != 4:
        return None
    check_times(volume.shape[0], str(volume.url))
    return volume.shape[0]


def check_times(times: int, what: str) -> None:
    """Raise UnsupportedError if labels have more time points than can be asked together."""
    if times > MOST_TIMES:
        raise UnsupportedError(
            f"{what} has {times} time points, and labels have {MOST_TIMES} at most; cut them into "
            "several datasets"
        )
