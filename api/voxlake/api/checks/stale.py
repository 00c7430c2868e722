"""Whether what is made of level 0 keeps up with it: coarser levels, and label indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from ulid import ULID

from voxlake.api.checks.outcome import UNREADABLE_HERE, Outcome
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.labels.upkeep.marker import list_markers
from voxlake.ngff.lake import index_of, lies_elsewhere, place_of
from voxlake.ngff.stale import list_marks
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.store import StoreURL

LATE = timedelta(hours=1)
"""What was written so long ago should be in coarser levels, and in the index."""
MOST_DATASETS = 200
"""A look at one takes some requests to the store."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Behind:
    """A dataset of which something has not kept up."""

    dataset: str
    what: str
    """``levels``, ``index``, or ``unreadable``: its metadata cannot be read."""
    since: datetime | None
    """When the oldest of what is not in it yet was written."""


def find_behind(
    lake: StoreURL, records: Iterable[DatasetRecord], moment: datetime
) -> Iterator[Behind]:
    """Yield what is behind of the datasets of a lake, as of a moment.

    Raises
    ------
    StoreError
        If the store fails.
    """
    for record in records:
        if record.state is DatasetState.READY and not lies_elsewhere(record):
            yield from _behind(lake, record, moment)


def look_at_stale(lake: StoreURL, records: Iterable[DatasetRecord]) -> Outcome:
    """Look at some hundred datasets, by a few requests each."""
    looked = list(islice(records, MOST_DATASETS))
    return outcome_of(len(looked), list(find_behind(lake, looked, datetime.now(UTC))))


def outcome_of(looked: int, behind: list[Behind]) -> Outcome:
    """Return what is to be said of what is behind."""
    if not behind:
        return "ok", f"levels and indexes of {looked} datasets follow what is written", None
    told = "; ".join(_told(each) for each in behind[:_NAMED])
    more = len(behind) - _NAMED
    advice = {
        "levels": "let a worker make levels anew: voxlake worker --follow 60",
        "index": "take it into the index: voxlake audit NAME, then voxlake compact NAME",
        "unreadable": "see what is damaged: voxlake fsck NAME",
    }
    kinds = dict.fromkeys(each.what for each in behind)
    told += f"; and {more} more" if more > 0 else ""
    return "warn", told, "; ".join(advice[kind] for kind in kinds)


def _told(behind: Behind) -> str:
    if behind.since is None:
        return f"the metadata of {behind.dataset} cannot be read"
    what = "coarser levels" if behind.what == "levels" else "label index"
    return f"the {what} of {behind.dataset} lacks what was written at {behind.since:%F %H:%M}"


def _behind(lake: StoreURL, record: DatasetRecord, moment: datetime) -> Iterator[Behind]:
    name = str(record.name)
    try:
        marks = list_marks(open_dataset(lake / record.url).level_url(0))
    except UNREADABLE_HERE:
        yield Behind(name, "unreadable", None)
        return
    yield from _if_late(name, "levels", [mark.ulid for mark in marks], moment)
    if record.kind == "labels":
        markers = list_markers(index_of(lake, place_of(record)))
        written = [marker.ulid for marker in markers if marker.cell is not None]
        yield from _if_late(name, "index", written, moment)


def _if_late(name: str, what: str, ulids: list[str], moment: datetime) -> Iterator[Behind]:
    if ulids:
        since = ULID.from_str(min(ulids)).datetime
        if moment - since > LATE:
            yield Behind(name, what, since)
