"""Writing labels so that the index is never silently out of date: marker, voxels, rows, marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.labels.sidecars import build
from voxlake.ngff.labels.sidecars.trust import in_parallel
from voxlake.ngff.labels.upkeep.marker import Marker, close_marker, open_marker
from voxlake.platform import store
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


def write_labels(
    volume: Volume, index_url: StoreURL, box: Box, voxels: npt.NDArray[Any], by: str = ""
) -> None:
    """Write `voxels` (z, y, x) into `box` as `Volume.write` does, and keep the index true.

    Every shard that the box touches is marked before a voxel is written, and indexed from its
    stored bytes afterwards. Of a writer that is cut off anywhere, or whose write fails, the marks
    stay: queries then ask those shards themselves, until an audit clears them.

    Parameters
    ----------
    by
        Who writes, for the marks: a user, a job.

    Raises
    ------
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    OutOfBoundsError, InvalidInputError
        Before anything is written, if the box is not inside the volume, or `voxels` do not fit.
    CorruptDataError, StoreError
        If what is stored is damaged, or the store fails: any part may have been written.
    """
    check_labels(volume)
    box.check_inside(volume.box, str(volume.url))
    cells = list(box.cells(volume.shard))
    markers = list(in_parallel(lambda cell: open_marker(index_url, cell, by), cells))
    _write(volume, box, voxels, markers)
    for cell in cells:
        # One at a time: a whole shard of decoded labels can take a gigabyte.
        build.index_shard(volume, cell, index_url)
    list(in_parallel(lambda marker: close_marker(marker, by), markers))


def _write(volume: Volume, box: Box, voxels: npt.NDArray[Any], markers: list[Marker]) -> None:
    try:
        pending = volume.write(box, voxels)
    except InvalidInputError:
        # Refused at once, so nothing was written, and nothing need be asked again.
        for marker in markers:
            store.delete(marker.url)
        raise
    pending.result()
