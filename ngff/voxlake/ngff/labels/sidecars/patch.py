"""Patches: what a sidecar says otherwise since a few chunks of its shard were changed.

A sidecar has hundreds of thousands of rows, and whoever paints changes some hundreds of them. So a
change writes these alone: a patch of all chunks that changed since the sidecar was written, with
the rows that they have by now. It is a sidecar itself in form, whose `Origin` names the state of
the shard that it is true of, that of the sidecar below it, and its chunks. When it has grown to a
part of the sidecar, both are written as one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.scan.rows import MAX_CHUNKS, Rows
from voxlake.ngff.labels.sidecars.sidecar import (
    Sidecar,
    decode,
    decode_origin,
    encode,
    origin_of,
    sidecar_url,
)
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SHARE = 16
"""A patch has at most one in so many of the rows of its sidecar,"""
FEW_ROWS = 4096
"""or so many."""


def patch_url(index_url: StoreURL, cell: Cell) -> StoreURL:
    """Return the address of the patch of the sidecar of the shard at `cell`."""
    return index_url / "patches" / sidecar_url(index_url, cell).key.rpartition("/")[2]


def read_patch(index_url: StoreURL, cell: Cell) -> Sidecar | None:
    """Return the patch of the sidecar of the shard at `cell`; None if none is whole.

    It counts on no other sidecar than the one of the state that it names.
    """
    stored = store.read_if_there(patch_url(index_url, cell))
    try:
        return decode(stored.body) if stored else None
    except CorruptDataError:
        return None


def patched(sidecar: Sidecar, patch: Sidecar) -> Sidecar:
    """Return a sidecar with what its patch says otherwise."""
    kept = without_chunks(sidecar.rows, np.array(patch.origin.chunks))
    origin = patch.origin.model_copy(update={"base": "", "chunks": ()})
    return Sidecar(origin, merged_rows(kept, patch.rows))


@dataclass(frozen=True, slots=True)
class Below:
    """What a new patch is to lie on: the state of the index that is true of the shard."""

    base: str
    """State of the shard that the sidecar is true of."""
    rows: int
    """Of the sidecar."""
    patch: Sidecar | None
    """The patch that there is."""


def find_below(volume: Volume, index_url: StoreURL, cell: Cell, etag: str) -> Below | None:
    """Return what a patch of the state after `etag` may lie on; None if nothing is true of that.

    The rows of the sidecar are not read.
    """
    stored = store.read_if_there(sidecar_url(index_url, cell))
    try:
        found = decode_origin(stored.body) if stored else None
    except CorruptDataError:
        return None
    if found is None:
        return None
    origin, rows = found
    if origin != origin_of(volume, cell, origin.etag, origin.content, origin.first_etag):
        return None
    if origin.etag == etag:
        return Below(etag, rows, None)
    patch = read_patch(index_url, cell)
    return Below(origin.etag, rows, patch) if is_patch_of(patch, origin.etag, etag) else None


def is_patch_of(patch: Sidecar | None, base: str, etag: str) -> bool:
    """Return whether there is a patch that lies on the state `base`, and is true of `etag`."""
    return patch is not None and (patch.origin.base, patch.origin.etag) == (base, etag)


def next_patch(
    volume: Volume, cell: Cell, below: Below, etag: str, chunks: npt.NDArray[np.int64], rows: Rows
) -> Sidecar | None:
    """Return the patch of a shard some of whose chunks have changed; None if it is to be folded.

    Parameters
    ----------
    etag
        The state of the shard by now.
    chunks, rows
        The chunks that have changed, and all rows of them.
    """
    if below.patch is not None:
        rows = merged_rows(without_chunks(below.patch.rows, chunks), rows)
        chunks = np.union1d(chunks, np.array(below.patch.origin.chunks, np.int64))
    if len(rows) > max(FEW_ROWS, below.rows // SHARE):
        return None
    told = {"base": below.base, "chunks": tuple(chunks.tolist())}
    return Sidecar(origin_of(volume, cell, etag).model_copy(update=told), rows)


def write_patch(index_url: StoreURL, cell: Cell, patch: Sidecar) -> None:
    """Write the patch of the sidecar of the shard at `cell`."""
    store.write_derived(patch_url(index_url, cell), encode(patch))


def without_chunks(rows: Rows, chunks: npt.NDArray[np.int64]) -> Rows:
    """Return the rows of all other chunks."""
    kept = np.ones(MAX_CHUNKS, np.bool_)
    kept[chunks] = False
    return rows.where(kept[rows.chunks])


def merged_rows(many: Rows, few: Rows) -> Rows:
    """Return two sets of rows, each sorted by label, then chunk, and of other chunks, as one."""
    first = np.searchsorted(many.labels, few.labels)
    last = np.searchsorted(many.labels, few.labels, "right")
    begins = np.searchsorted(many.labels, many.labels)  # of the rows of its label, for each row
    keys = begins * MAX_CHUNKS + many.chunks
    inside = np.searchsorted(keys, first * MAX_CHUNKS + few.chunks)
    places = np.where(first == last, first, inside)
    return Rows(
        *[np.insert(getattr(many, f.name), places, getattr(few, f.name), 0) for f in fields(Rows)]
    )
