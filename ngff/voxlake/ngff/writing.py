"""Write voxels of a box: what is to be written is checked, and cut into changes of shards."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from voxlake.ngff.shards.format import find_shard_format
from voxlake.ngff.shards.splice import Change, overwrite, splice_shard
from voxlake.ngff.shards.storing import look_at_shard
from voxlake.ngff.stale import marked
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.shards.splice import Blend
    from voxlake.ngff.volume import Volume

AT_ONCE = 2
"""Shards of a box that are written at the same time."""


def write_voxels(
    volume: Volume, box: Box, voxels: npt.NDArray[Any], blend: Blend = overwrite
) -> dict[Cell, str]:
    """Change the voxels of `box` of an image; return the state of each shard that it touches.

    When this returns, all is durable. Each shard changes at once; a reader may see one of them
    changed and another not yet. Labels are written by `write_labels`, which indexes them.

    Parameters
    ----------
    volume
        Level 0.
    box
        Half-open, in the order of the axes of the volume.
    voxels
        Of the shape of `box` and the type of the volume.
    blend
        `overwrite` or `keep_where_zero`.

    Returns
    -------
    dict of Cell to str
        By place in the write grid, the ETag of the shard; empty if it is not stored.

    Raises
    ------
    UnsupportedError
        If the volume is coded in another way than voxlake writes, and not to be overwritten.
    OutOfBoundsError, InvalidInputError
        Before anything is written, if the box is not inside the volume, or `voxels` do not fit.
    CorruptDataError, ConflictError, StoreError
        If what is stored is damaged, or the store fails: any part may have been written.
    """
    return write_parts(volume, Change(box, voxels, blend), partial(write_shard, volume))


def write_parts(
    volume: Volume, change: Change, write: Callable[[Cell, Sequence[Change]], str]
) -> dict[Cell, str]:
    """Check a change, and make it by what writes a shard; return the state of each shard."""
    check_change(volume, change)
    parts = parts_of(volume, change)
    etags = in_parallel(lambda part: write(part[0], [part[1]]), parts.items(), most=AT_ONCE)
    return dict(zip(parts, etags, strict=True))


def write_shard(
    volume: Volume, cell: Cell, changes: Sequence[Change], known: str | None = None
) -> str:
    """Change voxels of one shard of an image, and return its state; as `splice_shard`."""
    check_condition(volume, known)
    with marked(volume, (change.box for change in changes)):
        if find_shard_format(volume) is not None:
            return splice_shard(volume, cell, changes, known=known).etag
        return write_by_tensorstore(volume, cell, changes)


def write_by_tensorstore(volume: Volume, cell: Cell, changes: Sequence[Change]) -> str:
    """Change voxels of a shard that is coded in another way than voxlake does; return its state."""
    for change in changes:
        volume.write(change.box, change.voxels).result()
    return look_at_shard(volume, cell)


def check_condition(volume: Volume, known: str | None) -> None:
    """Raise UnsupportedError if it cannot be made sure that a shard is in a state that is known."""
    if known is not None and find_shard_format(volume) is None:
        raise UnsupportedError(
            f"{volume.url} is not coded as voxlake does, so it cannot be changed on the condition "
            "that it is as it was; leave the condition out"
        )


def check_change(volume: Volume, change: Change) -> None:
    """Raise an error if a change cannot be made; see `write_voxels`."""
    volume.check_fits(change.box, change.voxels)
    if find_shard_format(volume) is None and change.blend is not overwrite:
        raise UnsupportedError(
            f"{volume.url} is not coded as voxlake does, in sharded zstd chunks, so its voxels can "
            "only be overwritten; leave the blending out, or ingest it into a dataset of "
            "voxlake first"
        )


def parts_of(volume: Volume, change: Change) -> dict[Cell, Change]:
    """Return what a change is to each shard that it touches, by its place in the write grid."""
    box, parts = change.box, {}
    for cell in box.cells(volume.shard):
        part = volume.shard_box(cell) & box
        parts[cell] = Change(part, change.voxels[part.within(box).slices], change.blend)
    return parts


def look_at_shards(volume: Volume, box: Box) -> dict[Cell, str]:
    """Return the state of each shard that `box` touches; see `look_at_shard`."""
    cells = list(box.cells(volume.shard))
    return dict(zip(cells, in_parallel(partial(look_at_shard, volume), cells), strict=True))


def digest_of_states(volume: Volume, states: Mapping[Cell, str]) -> str:
    """Return what is another once any of the shards is in another state, or lies elsewhere."""
    told = sorted((volume.shard_url(cell).key, etag) for cell, etag in states.items())
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]
