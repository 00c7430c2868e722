"""Build the index of one shard: the work of one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.scan.rows import NOTHING, check_labels
from voxlake.ngff.labels.scan.stored import one_by_one, rows_in
from voxlake.ngff.labels.sidecars.sidecar import (
    Sidecar,
    content_of,
    encode,
    origin_of,
    sidecar_url,
)
from voxlake.ngff.labels.sidecars.trust import shard_etag, trusted_rows
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.ngff.labels.scan.rows import Rows
    from voxlake.ngff.labels.scan.stored import InOrder
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


def index_shard(
    volume: Volume, cell: tuple[int, ...], index_url: StoreURL, in_order: InOrder = one_by_one
) -> ShardIndexed:
    """Find the rows of the shard at `cell` of the write grid, and write its sidecar.

    Rows and ETag come from the same bytes. Twice the same shard gives the same sidecar. A shard
    that is not stored has none: an old one is deleted.

    Parameters
    ----------
    volume, cell, index_url
        What is indexed, and where its index lies.
    in_order
        Runs the scanning of a few chunks at a time; it may use threads.
    """
    check_labels(volume)
    stored = store.read_if_there(volume.shard_url(cell))
    if stored is None:
        return write_sidecar(volume, cell, index_url, NOTHING, None)
    rows = rows_in(volume, cell, stored.body, in_order)
    return write_sidecar(volume, cell, index_url, rows, stored.etag, content_of(stored.body))


def ensure_indexed(
    volume: Volume, cell: tuple[int, ...], index_url: StoreURL, in_order: InOrder = one_by_one
) -> ShardIndexed:
    """Do as `index_shard` does, but keep a sidecar that is whole and of the shard as it is.

    Parameters and errors are those of `index_shard`.
    """
    check_labels(volume)
    etag = shard_etag(volume, cell)
    rows = None if etag is None else trusted_rows(volume, index_url, cell, etag)
    if rows is None:
        return index_shard(volume, cell, index_url, in_order)
    return _indexed(rows, store.head(sidecar_url(index_url, cell)).size)


def write_sidecar(
    volume: Volume,
    cell: tuple[int, ...],
    index_url: StoreURL,
    rows: Rows,
    etag: str | None,
    content: str = "",
) -> ShardIndexed:
    """Write the sidecar of a shard whose `rows` are known, because its voxels were at hand.

    Parameters
    ----------
    volume, cell, index_url
        As of `index_shard`.
    rows
        All rows of the shard, sorted by label, then chunk.
    etag
        Of the object that holds these very voxels; None or empty if it is not stored: an old
        sidecar is deleted.
    content
        Checksum of that object (see `Origin.content`), by which a copy of it is known.
    """
    url = sidecar_url(index_url, cell)
    if not etag:
        store.delete(url)
        return ShardIndexed(0, 0, 0, 0)
    body = encode(Sidecar(origin_of(volume, cell, etag, content), rows))
    store.write(url, body)
    return _indexed(rows, len(body))


def _indexed(rows: Rows, size: int) -> ShardIndexed:
    return ShardIndexed(len(rows), len(np.unique(rows.labels)), int(rows.voxels.sum()), size)
