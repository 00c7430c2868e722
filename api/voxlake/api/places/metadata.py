"""What people say of places, and what words find."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker, GrantedPlace
from voxlake.documents.places.places import FoundPage, KeyList, ValueDocument, place_document
from voxlake.platform.access import Add, Delete, Read, Update
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.node_records import Page
from voxlake.platform.errors import InvalidInputError


async def list_keys(granted: GrantedPlace[Read]) -> KeyList:
    """Return the keys that have a value."""
    place = granted.place.names
    keys = await granted.asker.of_catalog(lambda catalog: catalog.metadata.list_keys(place))
    return KeyList(keys=tuple(keys))


async def list_values(granted: GrantedPlace[Read] | GrantedPlace[Update]) -> dict[str, str]:
    """Return all that is said, by its keys."""
    node = granted.place.path[-1]
    return await granted.asker.of_catalog(lambda catalog: catalog.metadata.values_at(node))


async def get_value(granted: GrantedPlace[Read], key: str) -> ValueDocument:
    """Return what is said under a key."""
    place = granted.place.names
    value = await granted.asker.of_catalog(lambda catalog: catalog.metadata.get_value(place, key))
    return ValueDocument(key=key, value=value)


async def put_value(granted: GrantedPlace[Update], key: str, value: str) -> ValueDocument:
    """Give a key a value."""
    place = granted.place.names
    await granted.asker.of_catalog(lambda catalog: catalog.metadata.put_value(place, key, value))
    return ValueDocument(key=key, value=value)


async def drop_value(granted: GrantedPlace[Update] | GrantedPlace[Delete], key: str) -> None:
    """Take a key and its value away; raise NotFoundError if it has none."""
    place = granted.place.names
    await granted.asker.of_catalog(lambda catalog: catalog.metadata.drop_value(place, key))


async def add_value(granted: GrantedPlace[Add], key: str, value: str) -> ValueDocument:
    """Give a key a value; raise InvalidInputError if it has one."""
    place = granted.place.names

    def change(catalog: Catalog) -> ValueDocument:
        if key in catalog.metadata.list_keys(place):
            raise InvalidInputError(f"{key!r} has a value already; change that")
        catalog.metadata.put_value(place, key, value)
        return ValueDocument(key=key, value=value)

    return await granted.asker.of_catalog(change)


async def change_value(granted: GrantedPlace[Update], key: str, value: str) -> ValueDocument:
    """Give a key another value; raise NotFoundError if it has none."""
    place = granted.place.names

    def change(catalog: Catalog) -> ValueDocument:
        catalog.metadata.get_value(place, key)
        catalog.metadata.put_value(place, key, value)
        return ValueDocument(key=key, value=value)

    return await granted.asker.of_catalog(change)


async def search(asker: Asker, question: str, limit: int, after: str, *, count: bool) -> FoundPage:
    """Return a page of what words find, of all that the asker may read."""
    who, page = asker.principal, Page(limit + 1, tuple(after.split("/")) if after else ())

    def ask(catalog: Catalog) -> FoundPage:
        found = catalog.search.find(who, question, page)
        return FoundPage(
            places=tuple(map(place_document, found[:limit])),
            next=str(found[limit - 1]) if len(found) > limit else None,
            count=catalog.search.count(who, question) if count else None,
        )

    return await asker.of_catalog(ask)
