"""Compaction: many segments become few; what no manifest names any more is swept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.ngff.labels.objects.manifest import MANIFESTS, of_newest, publish
from voxlake.ngff.labels.objects.segment import living, scan, write_segment
from voxlake.ngff.versioned.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.ngff.labels.objects.manifest import Manifest
    from voxlake.ngff.labels.objects.segment import Segment
    from voxlake.ngff.versioned.numbered import Numbered
    from voxlake.platform.store import StoreURL

SEGMENT_ROWS = 1 << 20
"""Most rows of a segment that a compaction writes."""
_FEW_DELTAS = 8
_LARGE_PART = 10


@dataclass(frozen=True, slots=True)
class Compacted:
    """The segments in force after a compaction."""

    number: int
    """Number of the manifest."""
    segments: int
    rows: int
    """Their rows, superseded ones included."""


def compact_objects(index_url: StoreURL) -> Compacted:
    """Merge the segments if there are many, and sweep what is no longer needed.

    Deltas of more than a tenth of the base are merged into it, and deleted rows end there; more
    than eight smaller ones are merged into one. No answer changes. Any number may compact at the
    same time as others put: whoever comes second begins again, or has nothing to do any more.

    Raises
    ------
    ConflictError
        If others put at the same time, at every one of many attempts.
    CorruptDataError, StoreError
        If a segment is damaged, or the store fails; nothing is lost then.
    """
    url = index_url / "objects"
    after = of_newest(url, lambda before: _merged(url, before))
    sweep(MANIFESTS, url / "manifest", url / "runs", _named)
    segments = after.document.segments
    return Compacted(after.number, len(segments), _rows(segments))


def _merged(url: StoreURL, before: Numbered[Manifest]) -> Numbered[Manifest]:
    base, deltas = before.document.base, before.document.deltas
    whole = _rows(deltas) * _LARGE_PART > _rows(base)
    if not deltas or not (whole or len(deltas) > _FEW_DELTAS):
        return before
    # What a deleted row ends may be in the base: only there is it no longer needed.
    tables = map(living, scan(url, [*base, *deltas])) if whole else scan(url, deltas)
    merged = tuple(write_segment(url, rows) for rows in _joined(tables))

    def change(manifest: Manifest) -> Manifest | None:
        if manifest.base != base or manifest.deltas[: len(deltas)] != deltas:
            return None
        newer = manifest.deltas[len(deltas) :]
        update = {"base": merged, "deltas": newer} if whole else {"deltas": (*merged, *newer)}
        return manifest.model_copy(update=update)

    return publish(url, change)


def _joined(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of tables in tables of about `SEGMENT_ROWS`, none of them empty."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= SEGMENT_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if sum(map(len, waiting)):
        yield pa.concat_tables(waiting)


def _named(manifest: Manifest) -> set[str]:
    return {segment.ulid for segment in manifest.segments}


def _rows(segments: Sequence[Segment]) -> int:
    return sum(segment.rows for segment in segments)
