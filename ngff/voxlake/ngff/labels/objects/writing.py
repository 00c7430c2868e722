"""Putting and deleting objects: a segment, then a manifest that names it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from voxlake.ngff.labels.objects.compaction import compact_objects
from voxlake.ngff.labels.objects.label_object import SCHEMA, table_of_objects, tombstones
from voxlake.ngff.labels.objects.manifest import newest_manifest, publish
from voxlake.ngff.labels.objects.reading import get_objects, ids_of, objects_url
from voxlake.ngff.labels.objects.segment import newest_rows, write_segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.ngff.labels.objects.label_object import LabelObject
    from voxlake.ngff.labels.objects.manifest import Manifest
    from voxlake.platform.store import StoreURL

MOST_DELTAS = 16
"""Segments since the last compaction at which a writer compacts before it writes."""


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
