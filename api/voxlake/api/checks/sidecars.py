"""Whether label indexes describe the shards that are stored."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from math import prod

from voxlake.api.checks.outcome import UNREADABLE_HERE, Outcome
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.lake import index_of, lies_elsewhere, place_of
from voxlake.ngff.volume import Volume
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.store import StoreURL

MOST_LABELS = 50
"""A look at one lists its shards, and what the index has of them."""


MOST_SHARDS = 10_000
"""Of larger labels, audits tell."""


def look_at_sidecars(lake: StoreURL, records: Iterable[DatasetRecord]) -> Outcome:
    """Look at some labels: shards that others wrote, or that have no rows, make queries slow."""
    looked = list(islice(filter(_is_indexed, records), MOST_LABELS))
    told = [text for text in (_fault(lake, record) for record in looked) if text]
    if not told:
        return "ok", f"the index of each of {len(looked)} labels describes what is stored", None
    return "warn", "; ".join(told), "make them anew: voxlake audit NAME, or voxlake index NAME"


def _is_indexed(record: DatasetRecord) -> bool:
    is_ready = record.state is DatasetState.READY and not lies_elsewhere(record)
    return record.kind == "labels" and is_ready


def _shards(volume: Volume) -> int:
    return prod(-(-length // edge) for length, edge in zip(volume.shape, volume.shard, strict=True))


def _fault(lake: StoreURL, record: DatasetRecord) -> str | None:
    try:
        labels = open_labels(lake / record.url, index_of(lake, place_of(record)))
        if _shards(labels.volume) > MOST_SHARDS:
            return None
        found = index_status(labels)
    except UNREADABLE_HERE as error:
        return f"{record.name} cannot be read: {error}"
    if wrong := found.stale + found.missing:
        return f"{wrong} of {found.shards} shards of {record.name} are not in its index"
    return None
