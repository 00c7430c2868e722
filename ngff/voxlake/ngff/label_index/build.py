"""Build the index of one shard: the work of one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.label_index.rows import check_labels, find_rows
from voxlake.ngff.label_index.sidecar import Sidecar, encode, origin_of, sidecar_url
from voxlake.ngff.shard import read_shard
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class ShardIndexed:
    """What indexing one shard found."""

    rows: int
    """Pairs of a label and a chunk."""
    labels: int
    """Labels of the shard; one that lies in several shards is counted in each."""
    voxels: int
    """Voxels that have a label."""
    bytes: int
    """Size of the sidecar; 0 if none is kept, because the shard is not stored."""


def index_shard(volume: Volume, cell: tuple[int, ...], index_url: StoreURL) -> ShardIndexed:
    """Find the rows of the shard at `cell` of the write grid, and write its sidecar.

    Rows and ETag come from the same bytes. Twice the same shard gives the same sidecar. A shard
    that is not stored has none: an old one is deleted.

    Raises
    ------
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    CorruptDataError, StoreError
        If the shard cannot be read, or the sidecar not written.
    """
    check_labels(volume)
    voxels, etag = read_shard(volume, cell)
    if etag is None:
        store.delete(sidecar_url(index_url, cell))
        return ShardIndexed(0, 0, 0, 0)
    rows = find_rows(volume, cell, voxels)
    body = encode(Sidecar(origin_of(volume, cell, etag), rows))
    store.write(sidecar_url(index_url, cell), body)
    labels = len(np.unique(rows.labels))
    return ShardIndexed(len(rows), labels, int(rows.voxels.sum()), len(body))
