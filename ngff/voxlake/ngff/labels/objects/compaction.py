"""Compaction: many segments become few; what no manifest names any more is swept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from ulid import ULID

from voxlake.ngff.labels.objects.label_object import right_now
from voxlake.ngff.labels.objects.manifest import (
    manifest_numbers,
    manifest_url,
    newest_manifest,
    publish,
    read_manifest,
)
from voxlake.ngff.labels.objects.merging import living, scan
from voxlake.ngff.labels.objects.segment import segment_url, write_segment
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.ngff.labels.objects.manifest import Manifest, Numbered
    from voxlake.ngff.labels.objects.segment import Segment
    from voxlake.platform.store import StoreURL

KEPT_MANIFESTS = 8
"""Manifests that a sweep leaves, with all segments that they name."""
KEPT_TIME = timedelta(days=1)
"""Age up to which a sweep leaves segments that no manifest names: one may be about to."""
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
    while True:
        before = newest_manifest(url)
        try:
            after = _merged(url, before)
        except ObjectNotFoundError:
            # Another compaction was first, and swept what this one was reading.
            if newest_manifest(url).number == before.number:
                raise
            continue
        _sweep(url)
        segments = [*after.manifest.base, *after.manifest.deltas]
        return Compacted(after.number, len(segments), sum(segment.rows for segment in segments))


def _merged(url: StoreURL, before: Numbered) -> Numbered:
    base, deltas = before.manifest.base, before.manifest.deltas
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


def _rows(segments: Sequence[Segment]) -> int:
    return sum(segment.rows for segment in segments)


def _sweep(url: StoreURL) -> None:
    """Delete manifests but the newest few, and old segments that none of these name."""
    numbers = manifest_numbers(url)
    for number in numbers[:-KEPT_MANIFESTS]:
        store.delete(manifest_url(url, number))
    try:
        kept = [read_manifest(url, number) for number in numbers[-KEPT_MANIFESTS:]]
    except ObjectNotFoundError:
        # Others put so many meanwhile that these were swept: what they do will do.
        return
    named = {segment.ulid for manifest in kept for segment in (*manifest.base, *manifest.deltas)}
    for info in store.walk(url / "runs"):
        ulid = info.url.name.removesuffix(".parquet")
        if ulid not in named and _is_old(ulid):
            store.delete(segment_url(url, ulid))


def _is_old(ulid: str) -> bool:
    try:
        return right_now() - ULID.from_str(ulid).datetime > KEPT_TIME
    except ValueError:
        # Not a segment: someone else's, and left alone.
        return False
