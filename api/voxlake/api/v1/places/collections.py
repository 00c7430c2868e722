"""Collections, as bossDB answers them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from voxlake.api.guards.askers import GrantedPlace, grant_place
from voxlake.api.guards.datasets import NamePart
from voxlake.api.guards.places import (
    Anybody,
    MayAddToLake,
    MayDeleteCollection,
    MayReadCollection,
    MayUpdateCollection,
)
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.places import channels, collections
from voxlake.api.v1.places.changes import check_named, refusing_held, sharing, taken_is_wrong
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb.asked import BossCollectionChange, BossCollectionQuestion
from voxlake.documents.bossdb.resources import BossCollection, BossCollections
from voxlake.platform.access import Read

router = boss_router("/collection")


@router.get("", summary="List collections")
async def list_collections(asker: Anybody) -> BossCollections:
    """Return the names of the collections that the asker may read."""
    return BossCollections(collections=await channels.list_names(asker, ()))


@router.get("/{collection}", summary="Describe a collection")
async def get_collection(granted: MayReadCollection) -> BossCollection:
    """Return what is known of a collection."""
    return await _collection(granted)


@router.post("/{collection}", summary="Make a collection", status_code=201)
async def add_collection(
    granted: MayAddToLake,
    collection: NamePart,
    asked: Annotated[BossCollectionQuestion, Depends(LaxBody(BossCollectionQuestion))],
) -> BossCollection:
    """Make a collection, which the asker owns."""
    check_named(asked.name, collection)
    with taken_is_wrong():
        made = await collections.add(granted, collection, asked.description)
    if asked.public:
        await (await sharing(granted.asker, made.name))(public=True)
    return await _collection(await grant_place(granted.asker, made.name, Read))


@router.put("/{collection}", summary="Change a collection")
async def change_collection(
    granted: MayUpdateCollection,
    asked: Annotated[BossCollectionChange, Depends(LaxBody(BossCollectionChange))],
) -> BossCollection:
    """Change what is given of a collection: its name, description, or whether it is public."""
    if asked.public is not None:
        await (await sharing(granted.asker, *granted.place.names))(public=asked.public)
    with taken_is_wrong():
        changed = await collections.change(granted, asked.name, asked.description)
    return await _collection(await grant_place(granted.asker, changed.name, Read))


@router.delete("/{collection}", summary="Delete a collection", status_code=204, response_model=None)
async def remove_collection(request: Request, granted: MayDeleteCollection) -> Response | None:
    """Delete a collection that holds no experiment."""
    return await refusing_held(request, collections.remove(granted, recursive=False))


async def _collection(granted: GrantedPlace[Read]) -> BossCollection:
    place = await collections.get(granted)
    return BossCollection(
        name=place.name,
        public=place.public,
        description=place.description,
        experiments=await channels.list_names(granted.asker, granted.place.names),
        creator=place.created_by or channels.NOBODY,
    )
