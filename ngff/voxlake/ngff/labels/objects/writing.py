"""Writing objects: a segment, then a manifest that names it; many segments are merged into few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from voxlake.ngff.labels.objects.label_object import SCHEMA, table_of_objects, tombstones
from voxlake.ngff.labels.objects.manifest import MANIFESTS, newest_manifest, of_newest, publish
from voxlake.ngff.labels.objects.reading import get_objects, ids_of, objects_url
from voxlake.ngff.labels.objects.segment import living, newest_rows, scan, write_segment
from voxlake.ngff.versioned.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voxlake.ngff.labels.objects.label_object import LabelObject
    from voxlake.ngff.labels.objects.manifest import Manifest
    from voxlake.ngff.labels.objects.segment import Segment
    from voxlake.ngff.versioned.numbered import Numbered
    from voxlake.platform.store import StoreURL

MOST_DELTAS = 16
"""Segments since the last compaction at which a writer compacts before it writes."""

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


def put_objects(index_url: StoreURL, objects: Iterable[LabelObject]) -> int:
    """Put objects, each in the place of what was known of its id; return the manifest's number.

    All of them are there when it returns, and none of them are seen before. Of several with one
    id the last counts. `created` is kept of the object that was there, `modified` is the moment
    of the call.

    Raises
    ------
    ConflictError
        If others put at the same time, at every one of many attempts.
    StoreError
        If the store fails; then all or none of them are there.
    """
    given = list(objects)
    if not given:
        return newest_manifest(objects_url(index_url)).number
    rows = newest_rows([table_of_objects(given, datetime.now(UTC))])
    return _append(index_url, _keeping_created(index_url, rows))


def delete_objects(index_url: StoreURL, ids: Iterable[int]) -> int:
    """Delete the objects of labels, and return the manifest's number; absent ones are no error.

    Raises what `put_objects` raises, and InvalidInputError for a number that is no label.
    """
    wanted = ids_of(ids).tolist()
    if not wanted:
        return newest_manifest(objects_url(index_url)).number
    return _append(index_url, tombstones(wanted, datetime.now(UTC)))


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
    url = objects_url(index_url)
    after = of_newest(url, lambda before: _merged(url, before))
    sweep(MANIFESTS, url / "manifest", url / "runs", _ulids)
    segments = after.document.segments
    return Compacted(after.number, len(segments), _rows(segments))


def _append(index_url: StoreURL, rows: pa.Table) -> int:
    url = objects_url(index_url)
    if len(newest_manifest(url).document.deltas) >= MOST_DELTAS:
        compact_objects(index_url)
    segment = write_segment(url, rows)

    def change(manifest: Manifest) -> Manifest:
        return manifest.model_copy(update={"deltas": (*manifest.deltas, segment)})

    return publish(url, change).number


def _keeping_created(index_url: StoreURL, rows: pa.Table) -> pa.Table:
    """Return `rows` with the time at which the objects that are there were created."""
    ids = rows["id"].to_numpy()
    before = get_objects(index_url, ids)
    created = rows["created"].to_numpy().copy()
    created[np.searchsorted(ids, before["id"].to_numpy())] = before["created"].to_numpy()
    place = SCHEMA.get_field_index("created")
    return rows.set_column(place, SCHEMA.field(place), pa.array(created, SCHEMA.field(place).type))


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


def _ulids(manifest: Manifest) -> set[str]:
    return {segment.ulid for segment in manifest.segments}


def _rows(segments: Sequence[Segment]) -> int:
    return sum(segment.rows for segment in segments)
