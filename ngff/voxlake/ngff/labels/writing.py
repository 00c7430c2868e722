"""Write labels so that the index is never silently out of date: marker, voxels, rows, marker.

The rows of the chunks that change come from the voxels at hand, and make a patch of the sidecar
that is true of all others: so the cost follows the chunks that change.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.scan.rows import (
    NOTHING,
    check_labels,
    found_in_box,
    joined_rows,
)
from voxlake.ngff.labels.scan.stored import rows_in
from voxlake.ngff.labels.sidecars.build import index_shard, write_sidecar
from voxlake.ngff.labels.sidecars.patch import (
    find_below,
    merged_rows,
    next_patch,
    without_chunks,
    write_patch,
)
from voxlake.ngff.labels.sidecars.sidecar import content_of
from voxlake.ngff.labels.sidecars.trust import trusted_rows
from voxlake.ngff.labels.upkeep.marker import close_marker, open_marker
from voxlake.ngff.shards.format import find_shard_format
from voxlake.ngff.shards.splice import Change, overwrite, splice_shard
from voxlake.ngff.shards.storing import look_at_shard
from voxlake.ngff.stale import marked_while
from voxlake.ngff.writing import check_condition, write_by_tensorstore, write_parts
from voxlake.platform.errors import PreconditionFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.scan.rows import Found, Rows
    from voxlake.ngff.labels.sidecars.sidecar import Sidecar
    from voxlake.ngff.shards.splice import Blend, Spliced


def write_labels(
    labels: Labels,
    box: Box,
    voxels: npt.NDArray[Any],
    blend: Blend = overwrite,
    by: str = "",
) -> dict[Cell, str]:
    """Change the labels of `box` at level 0; return the ETag of each shard that it touches.

    When this returns, all is durable and every query sees it. Each shard changes at once; a reader
    may see one of them changed and another not yet. Of a writer that is cut off anywhere, or whose
    write fails, the marks stay: queries then ask those shards themselves, until an audit.

    Parameters
    ----------
    labels
        All of them, or those of one time point.
    box
        Half-open voxels, in the order of the axes of the labels: z, y, x, or t, z, y, x.
    voxels
        Of the shape of `box`, and the type of the labels.
    blend
        `overwrite` or `keep_where_zero`.
    by
        Who writes, for the marks: a user, a job.

    Raises
    ------
    UnsupportedError
        If the volume is none that can be indexed, or is coded in another way than voxlake writes
        and not to be overwritten.
    OutOfBoundsError, InvalidInputError
        Before anything is written, if the box is not inside the volume, or `voxels` do not fit.
    CorruptDataError, ConflictError, StoreError
        If what is stored is damaged, or the store fails: any part may have been written.
    """
    check_labels(next(labels.each_time()).volume)
    write = partial(write_label_shard, labels, by=by)
    return write_parts(labels.volume, Change(box, voxels, blend), write)


def write_label_shard(
    labels: Labels, cell: Cell, changes: Sequence[Change], by: str = "", known: str | None = None
) -> str:
    """Change labels of one shard at level 0, and return its state; as `write_labels`.

    Raises
    ------
    PreconditionFailedError
        If the shard is in another state than `known`: nothing has changed.
    """
    check_condition(labels.volume, known)
    if labels.times is not None:
        labels, changes = labels.at_time(cell[0]), [_without_time(each) for each in changes]
        cell = cell[1:]
    boxes = (change.box for change in changes)
    mark = partial(open_marker, labels.index_url, cell, by)
    with marked_while(labels.volume, boxes, mark) as marker:
        try:
            etag = _write_shard(labels, cell, changes, known)
        except PreconditionFailedError:
            close_marker(marker, by)  # nothing was written
            raise
        close_marker(marker, by)
    return etag


def _without_time(change: Change) -> Change:
    """Return a change of one time point in coordinates z, y, x."""
    box = Box(change.box.start[1:], change.box.stop[1:])
    return Change(box, change.voxels[0], change.blend)


def _write_shard(labels: Labels, cell: Cell, changes: Sequence[Change], known: str | None) -> str:
    volume = labels.volume
    if find_shard_format(volume) is None:
        etag = write_by_tensorstore(volume, cell, changes)
        index_shard(volume, cell, labels.index_url)
        return etag
    note, then = partial(found_in_box, volume), partial(_index, labels, cell)
    return splice_shard(volume, cell, changes, known, note, then).etag


def _index(labels: Labels, cell: Cell, spliced: Spliced[Found]) -> None:
    """Write what the index says otherwise of a shard that has changed, unless it has again."""
    volume, index_url = labels.volume, labels.index_url
    if spliced.etag == spliced.before:
        return
    if not volume.url.is_local and look_at_shard(volume, cell) != spliced.etag:
        return
    parts = [part for part in spliced.parts if part is not None]
    patch = _patch(labels, cell, spliced, parts)
    if patch is not None:
        write_patch(index_url, cell, patch)
        return
    rows = _all_rows(labels, cell, spliced, parts)
    write_sidecar(volume, cell, index_url, rows, spliced.etag, content_of(spliced.body))


def _all_rows(labels: Labels, cell: Cell, spliced: Spliced[Found], parts: Sequence[Found]) -> Rows:
    """Return all rows of a shard that has changed; its voxels are asked if nothing is known."""
    volume = labels.volume
    if not spliced.etag:
        return NOTHING
    changed = joined_rows(volume, cell, parts)
    if not spliced.before:
        return changed  # where nothing was stored, nothing else is
    kept = trusted_rows(volume, labels.index_url, cell, spliced.before)
    if kept is None:
        return rows_in(volume, cell, spliced.body)
    return merged_rows(without_chunks(kept, _chunks_of(parts)), changed)


def _patch(
    labels: Labels, cell: Cell, spliced: Spliced[Found], parts: Sequence[Found]
) -> Sidecar | None:
    """Return the patch of a shard that has changed; None if its sidecar is to be written anew."""
    volume = labels.volume
    if not spliced.before or not spliced.etag:
        return None
    below = find_below(volume, labels.index_url, cell, spliced.before)
    if below is None:
        return None
    rows = joined_rows(volume, cell, parts)
    return next_patch(volume, cell, below, spliced.etag, _chunks_of(parts), rows)


def _chunks_of(parts: Sequence[Found]) -> npt.NDArray[np.int64]:
    return np.concatenate([part.chunks for part in parts])
