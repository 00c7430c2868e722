"""Objects and merges of labels: as `data`, every function demands the right for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from voxlake.api.data.labels.labels import ask, change, list_largest
from voxlake.api.data.opened import index_url, opened_labels
from voxlake.api.guards.datasets import Granted
from voxlake.ngff.labels import merges
from voxlake.ngff.labels.mapping import undoing
from voxlake.ngff.labels.mapping.log import Entry, read_entries
from voxlake.ngff.labels.objects import reading, writing
from voxlake.ngff.labels.objects import segment_properties as properties
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.reading import ObjectFilter
from voxlake.platform.access import AddVoxels, DeleteVoxels, ReadVoxels
from voxlake.platform.errors import LimitExceededError
from voxlake.platform.store import StoreURL


def _asked[*Given, T](
    question: Callable[[StoreURL, *Given], T],
) -> Callable[[Granted[ReadVoxels], *Given], Awaitable[T]]:
    """Return a question to the label index of a dataset that access was granted to."""

    async def granted_question(granted: Granted[ReadVoxels], *given: *Given) -> T:
        asked = partial(question, await index_url(granted), *given)
        return await granted.gateway.questions.ask(asked)

    return granted_question


get_object = _asked(reading.get_object)
get_objects = _asked(reading.get_objects)
list_objects = _asked(reading.list_objects)


async def merge(granted: Granted[AddVoxels], bodies: Sequence[int], by: str) -> Entry:
    """Merge bodies, which voxels must have, into the first of them."""
    return await change(granted, merges.merge, await opened_labels(granted), bodies, by)


async def cleave(
    granted: Granted[AddVoxels], body: int, supervoxels: Sequence[int], into: int | None, by: str
) -> Entry:
    """Make some supervoxels of a body a body of their own."""
    labels = await opened_labels(granted)
    return await change(granted, merges.cleave, labels, body, supervoxels, into, by)


async def undo(granted: Granted[AddVoxels], number: int, by: str) -> Entry:
    """Take back a change of the mapping, if later ones are not in the way."""
    return await change(granted, undoing.undo, await index_url(granted), number, by)


@_asked
def history(index: StoreURL, after: int, limit: int) -> list[Entry]:
    """Return the changes of the mapping above a number, `limit` at most, the earliest first."""
    return list(read_entries(index / "mapping", after, after + limit))


async def put_object(granted: Granted[AddVoxels], item: LabelObject) -> LabelObject:
    """Put an object in the place of what was known of its label, and return it as it is stored."""
    return await change(granted, _put, await index_url(granted), item)


async def put_objects(granted: Granted[AddVoxels], items: Sequence[LabelObject]) -> int:
    """Put objects, all or none of them, and return the number of the state after it."""
    return await change(granted, writing.put_objects, await index_url(granted), items)


async def delete_objects(granted: Granted[DeleteVoxels], labels: Sequence[int]) -> int:
    """Delete the objects of those labels that have one, and return the number after it."""
    return await change(granted, writing.delete_objects, await index_url(granted), labels)


def _put(index: StoreURL, item: LabelObject) -> LabelObject:
    writing.put_objects(index, [item])
    return reading.get_object(index, item.id)


async def delete_object(granted: Granted[DeleteVoxels], label: int) -> None:
    """Delete the object of one label; raise NotFoundError if it has none."""
    await change(granted, _delete, await index_url(granted), label)


def _delete(index: StoreURL, label: int) -> None:
    reading.get_object(index, label)
    writing.delete_objects(index, [label])


@_asked
def has_objects(index: StoreURL) -> bool:
    """Return whether any label has an object."""
    return bool(len(reading.list_objects(index, ObjectFilter(), 0, 1).table))


async def segment_properties(
    granted: Granted[ReadVoxels], limit: int
) -> properties.SegmentProperties:
    """Return the objects of the lowest `limit` ids as Neuroglancer's segment properties.

    They have their voxel counts, if there is one for each: not in time, nor while too much of the
    index is behind.
    """
    page = await list_objects(granted, ObjectFilter(), 0, limit)
    if (await opened_labels(granted)).times is None:
        ids = page.table["id"].to_numpy()
        with suppress(LimitExceededError):
            found = await ask(granted, lambda view: view.find(ids))
            return properties.sized_properties(page.table, found)
    return await granted.gateway.questions.ask(
        partial(properties.segment_properties, await index_url(granted), limit=limit)
    )


async def properties_of_largest(
    granted: Granted[ReadVoxels], count: int, where: ObjectFilter, *, bodies: bool
) -> properties.SegmentProperties:
    """Return the `count` labels of most voxels, of those whose objects fit, as such properties.

    Raises as `labels.list_largest`.
    """
    _, table = await list_largest(granted, count, where, bodies=bodies)
    told = partial(properties.segment_properties, await index_url(granted), table, count)
    return await granted.gateway.questions.ask(told)
