"""How much of the index can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.sidecars.trust import in_parallel, stored_shards, trusted_rows
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.ngff.labels.handle import Labels


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """State of the index: `shards` is the sum of `indexed`, `stale` and `missing`."""

    shards: int
    """Shards that are stored."""
    indexed: int
    """Of these, those whose sidecar is true of their present bytes."""
    stale: int
    """Those whose sidecar is out of date or damaged."""
    missing: int
    """Those without a sidecar."""
    rows: int
    """Rows of the sidecars that can be trusted."""
    bytes: int
    """Their size on the store."""


def index_status(labels: Labels) -> IndexStatus:
    """Compare every sidecar with the shard it belongs to, without reading voxels.

    Sidecars of shards that are no longer stored are never used, and not counted.
    """
    volume, index_url = labels.volume, labels.index_url
    check_labels(volume)
    shards = stored_shards(volume)
    sizes = {info.url.key: info.size for info in store.walk(index_url / "shards")}
    present = {
        cell: sizes[key] for cell in shards if (key := sidecar_url(index_url, cell).key) in sizes
    }

    def ask(cell: tuple[int, ...]) -> int | None:
        rows = trusted_rows(volume, index_url, cell, shards[cell])
        return None if rows is None else len(rows)

    rows = dict(zip(present, in_parallel(ask, present), strict=True))
    trusted = {cell: count for cell, count in rows.items() if count is not None}
    return IndexStatus(
        shards=len(shards),
        indexed=len(trusted),
        stale=len(present) - len(trusted),
        missing=len(shards) - len(present),
        rows=sum(trusted.values()),
        bytes=sum(present[cell] for cell in trusted),
    )
