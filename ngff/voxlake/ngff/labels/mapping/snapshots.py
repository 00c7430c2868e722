"""Snapshots: the log folded up to a number, each created once; and the tables of imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.labels.mapping.table import NO_PAIRS, Pairs, encode, read_table
from voxlake.ngff.versioned.numbered import numbered_url, numbers
from voxlake.platform import store
from voxlake.platform.errors import ObjectExistsError, ObjectNotFoundError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


def snapshot_url(mapping_url: StoreURL, number: int) -> StoreURL:
    """Return the address of the snapshot of a number."""
    return numbered_url(mapping_url / "snapshots", number, "parquet")


def table_url(mapping_url: StoreURL, ulid: str) -> StoreURL:
    """Return the address of the table that an entry of the log names."""
    return mapping_url / "tables" / f"{ulid}.parquet"


def newest_snapshot(mapping_url: StoreURL, at: int | None = None) -> tuple[int, Pairs]:
    """Return the newest snapshot, or the newest up to `at`; nothing mapped if there is none."""
    for number in reversed(numbers(mapping_url / "snapshots")):
        if at is None or number <= at:
            try:
                return number, read_table(snapshot_url(mapping_url, number))
            except ObjectNotFoundError:
                # Someone deleted it: it only saved time.
                continue
    return 0, NO_PAIRS


def create_snapshot(mapping_url: StoreURL, number: int, pairs: Pairs) -> None:
    """Write the snapshot of a number, unless another writer has: theirs says the same."""
    try:
        store.create(snapshot_url(mapping_url, number), encode(pairs))
    except ObjectExistsError:
        return
