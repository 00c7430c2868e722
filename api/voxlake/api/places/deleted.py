"""What was deleted: listed, brought back, or purged, by who may delete it."""

from __future__ import annotations

import time
from collections.abc import Callable

from voxlake.api.guards.askers import Asker
from voxlake.api.http.limits.refusals import even_out
from voxlake.documents.places.deleted import (
    DeletedDocument,
    DeletedList,
    RestoredDocument,
    deleted_document,
)
from voxlake.ngff.storage.deleted import restore_place
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.deleted_places import DeletedPlace
from voxlake.platform.errors import NotFoundError
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import KINDS


async def list_deleted(asker: Asker, limit: int, after: int) -> DeletedList:
    """Return what the asker can bring back, the last deleted first; `after` is the id of one."""

    def read(catalog: Catalog) -> tuple[DeletedDocument, ...]:
        found = catalog.deleted.list_allowed(asker.principal, limit=limit + 1, after=after or None)
        return tuple(_document(catalog, each) for each in found)

    shown = await asker.of_catalog(read)
    more = len(shown) > limit
    return DeletedList(deleted=shown[:limit], next=shown[limit - 1].id if more else None)


async def restore(asker: Asker, number: int, to: str | None) -> RestoredDocument:
    """Bring something back, under another name if one is given."""
    principal, lake = asker.principal, asker.gateway.lake
    names = None if to is None else tuple(to.split("/"))

    def change(catalog: Catalog) -> RestoredDocument:
        place = catalog.deleted.get(number, principal)
        back = restore_place(lake, catalog, number, principal, names)
        with_it = tuple(catalog.deleted.names_with(place, back))
        return RestoredDocument(restored="/".join(back), before=str(place), with_it=with_it)

    back = await _evenly(asker, change)
    for name in (back.restored, *back.with_it):
        if name.count("/") == len(KINDS) - 1:
            asker.gateway.records.forget(DatasetName.parse(name))
    return back


async def purge(asker: Asker, number: int) -> DeletedDocument:
    """Let something be deleted for good now; what it was is returned."""
    return await _evenly(
        asker,
        lambda catalog: _document(catalog, catalog.deleted.purge(number, asker.principal)),
    )


async def _evenly[T](asker: Asker, change: Callable[[Catalog], T]) -> T:
    """Return what comes of a change; what is not theirs takes as long as what there is not."""
    began = time.monotonic()
    try:
        return await asker.of_catalog(change)
    except NotFoundError:
        await even_out(began)
        raise


def _document(catalog: Catalog, place: DeletedPlace) -> DeletedDocument:
    return deleted_document(place, catalog.deleted.names_with(place, place.names))
