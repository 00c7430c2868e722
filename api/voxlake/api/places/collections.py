"""Collections and experiments: listed, made, changed and deleted."""

from __future__ import annotations

from collections.abc import Sequence

from voxlake.api.guards.askers import Asker, GrantedPlace
from voxlake.documents.places.places import PlaceDocument, PlacePage, place_document
from voxlake.ngff.lake import keep_names
from voxlake.platform.access import Add, Delete, Permission, Read, Update
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.node_records import Page


async def list_places(asker: Asker, above: Sequence[str], limit: int, after: str) -> PlacePage:
    """Return a page of what the asker may read below a place; `after` is a name there."""
    page = Page(limit + 1, (*above, after) if after else ())
    found = await asker.of_catalog(
        lambda catalog: catalog.collections.list_allowed(
            asker.principal, Permission.READ, above, page
        )
    )
    shown = tuple(map(place_document, found[:limit]))
    return PlacePage(places=shown, next=found[limit - 1].name if len(found) > limit else None)


async def get(granted: GrantedPlace[Read] | GrantedPlace[Update]) -> PlaceDocument:
    """Return what the catalog says of a place."""
    return await granted.asker.of_catalog(lambda catalog: _document(catalog, granted.place.names))


async def may_add(asker: Asker) -> bool:
    """Return whether somebody may make collections."""
    lake = await asker.of_catalog(lambda catalog: catalog.shares.find_place(()))
    held = frozenset() if lake is None else lake.held_by(asker.principal)
    return asker.principal.administers or Permission.ADD in held


async def add(
    granted: GrantedPlace[Add], name: str, description: str, frame: str | None = None
) -> PlaceDocument:
    """Make a collection or an experiment below a place, which the asker owns."""
    owner = None if granted.asker.principal.user is None else granted.asker.principal.name
    place = (*granted.place.names, name)

    def change(catalog: Catalog) -> PlaceDocument:
        catalog.collections.add(place, description=description, frame=frame, owner=owner)
        return _document(catalog, place)

    return await granted.asker.of_catalog(change)


async def change(
    granted: GrantedPlace[Update],
    name: str | None,
    description: str | None,
    frame: str | None = None,
) -> PlaceDocument:
    """Change what is given; a new name is told to the groups of the datasets below, too."""
    lake = granted.asker.gateway.lake

    def put(catalog: Catalog) -> PlaceDocument:
        place = granted.place.names
        if frame is not None:
            catalog.frames.get(frame)
        # First what may be refused.
        if name not in (None, place[-1]):
            place = catalog.collections.move(place, (*place[:-1], name or "")).names
            keep_names(lake, catalog.list_datasets(*place))
        if frame is not None:
            catalog.collections.set_frame(place, frame)
        if description is not None:
            catalog.metadata.describe(place, description)
        return _document(catalog, place)

    return await granted.asker.of_catalog(put)


async def remove(granted: GrantedPlace[Delete], *, recursive: bool) -> None:
    """Delete a place that holds nothing; it can be brought back for as long as the settings say."""
    days = granted.asker.gateway.settings.deleted_days
    await granted.asker.of_catalog(
        lambda catalog: catalog.collections.remove(
            granted.place.names, recursive=recursive, days=days
        )
    )


def _document(catalog: Catalog, place: Sequence[str]) -> PlaceDocument:
    record = catalog.collections.get(place)
    return place_document(record, catalog.metadata.creator_at(record.node))
