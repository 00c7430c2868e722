"""Objects and merges of labels: as `data`, every function demands a `Granted`.

What is changed is put down to who asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from anyio import to_thread

from voxlake.api.data.labels import index_url
from voxlake.api.guard import Granted
from voxlake.ngff.labels import mapping as label_mapping
from voxlake.ngff.labels import objects as label_objects
from voxlake.ngff.labels.mapping import Entry
from voxlake.ngff.labels.objects import LabelObject, ObjectFilter, ObjectPage, SegmentProperties
from voxlake.platform.store import StoreURL


async def put_object(granted: Granted, item: LabelObject) -> LabelObject:
    """Put an object in the place of what was known of its label, and return it as it is stored."""

    def put(url: StoreURL) -> LabelObject:
        label_objects.put_objects(url, [item])
        return label_objects.get_object(url, item.id)

    return await _with_index(granted, put)


async def get_object(granted: Granted, label: int) -> LabelObject:
    """Return the object of one label; raise NotFoundError if it has none."""
    return await _with_index(granted, label_objects.get_object, label)


async def delete_object(granted: Granted, label: int) -> None:
    """Delete the object of one label; raise NotFoundError if it has none."""

    def delete(url: StoreURL) -> None:
        label_objects.get_object(url, label)
        label_objects.delete_objects(url, [label])

    await _with_index(granted, delete)


async def list_objects(granted: Granted, where: ObjectFilter, after: int, limit: int) -> ObjectPage:
    """Return a page of the objects that fit a filter."""
    return await _with_index(granted, label_objects.list_objects, where, after, limit)


async def has_objects(granted: Granted) -> bool:
    """Return whether any label has an object."""
    page = await list_objects(granted, ObjectFilter(), 0, 1)
    return bool(len(page.table))


async def segment_properties(granted: Granted, limit: int) -> SegmentProperties:
    """Return the objects of the lowest `limit` ids as Neuroglancer's segment properties."""
    return await _with_index(granted, partial(label_objects.segment_properties, limit=limit))


async def merge(granted: Granted, bodies: Sequence[int]) -> Entry:
    """Merge bodies into the first of them; raise ConflictError if one of them is no body."""
    return await _with_index(granted, label_mapping.merge, bodies, _by(granted))


async def cleave(
    granted: Granted, body: int, supervoxels: Sequence[int], into: int | None
) -> Entry:
    """Make some supervoxels of a body a body of their own.

    Raises
    ------
    ConflictError
        If one does not belong to the body, or `into` is a body.
    """
    by = _by(granted)
    return await _with_index(granted, label_mapping.cleave, body, supervoxels, into, by)


async def _with_index[T, *Given](
    granted: Granted, work: Callable[[StoreURL, *Given], T], *given: *Given
) -> T:
    """Return what `work` makes of the index, in a thread."""
    return await to_thread.run_sync(work, index_url(granted), *given)


def _by(granted: Granted) -> str:
    return granted.access.principal.name
