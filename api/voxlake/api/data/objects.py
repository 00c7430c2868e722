"""Objects and merges of labels: as `data`, every function demands a `Granted`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from voxlake.api.data.labels import change, index_url, open_labels
from voxlake.api.guard import Granted
from voxlake.ngff.labels import merges
from voxlake.ngff.labels.mapping.log import Entry
from voxlake.ngff.labels.objects import reading, writing
from voxlake.ngff.labels.objects import segment_properties as properties
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.reading import ObjectFilter
from voxlake.platform.store import StoreURL


def _asked[*Given, T](
    question: Callable[[StoreURL, *Given], T],
) -> Callable[[Granted, *Given], Awaitable[T]]:
    """Return a question to the label index of a dataset that access was granted to."""

    async def granted_question(granted: Granted, *given: *Given) -> T:
        asked = partial(question, await index_url(granted), *given)
        return await granted.gateway.questions.ask(asked)

    return granted_question


def _changed[*Given, T](
    work: Callable[[StoreURL, *Given], T],
) -> Callable[[Granted, *Given], Awaitable[T]]:
    """Return a change of the label index of a dataset; it is not given up halfway."""

    async def granted_change(granted: Granted, *given: *Given) -> T:
        return await change(granted, work, await index_url(granted), *given)

    return granted_change


get_object = _asked(reading.get_object)
list_objects = _asked(reading.list_objects)


async def merge(granted: Granted, bodies: Sequence[int], by: str) -> Entry:
    """Merge bodies, which voxels must have, into the first of them."""
    return await change(granted, merges.merge, await open_labels(granted), bodies, by)


async def cleave(
    granted: Granted, body: int, supervoxels: Sequence[int], into: int | None, by: str
) -> Entry:
    """Make some supervoxels of a body a body of their own."""
    labels = await open_labels(granted)
    return await change(granted, merges.cleave, labels, body, supervoxels, into, by)


@_changed
def put_object(index: StoreURL, item: LabelObject) -> LabelObject:
    """Put an object in the place of what was known of its label, and return it as it is stored."""
    writing.put_objects(index, [item])
    return reading.get_object(index, item.id)


@_changed
def delete_object(index: StoreURL, label: int) -> None:
    """Delete the object of one label; raise NotFoundError if it has none."""
    reading.get_object(index, label)
    writing.delete_objects(index, [label])


@_asked
def has_objects(index: StoreURL) -> bool:
    """Return whether any label has an object."""
    return bool(len(reading.list_objects(index, ObjectFilter(), 0, 1).table))


@_asked
def segment_properties(index: StoreURL, limit: int) -> properties.SegmentProperties:
    """Return the objects of the lowest `limit` ids as Neuroglancer's segment properties."""
    return properties.segment_properties(index, limit=limit)
