"""Collections, as bossDB answers them."""

from __future__ import annotations

from voxlake.api.at_places import Anybody, MayReadCollection
from voxlake.api.places import channels, collections
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb import BossCollection, BossCollections

router = boss_router("/collection")


@router.get("", summary="List collections")
async def list_collections(asker: Anybody) -> BossCollections:
    """Return the names of the collections that the asker may read."""
    return BossCollections(collections=await channels.list_names(asker, ()))


@router.get("/{collection}", summary="Describe a collection")
async def get_collection(granted: MayReadCollection) -> BossCollection:
    """Return what is known of a collection."""
    place = await collections.get(granted)
    return BossCollection(
        name=place.name,
        public=place.public,
        description=place.description,
        experiments=await channels.list_names(granted.asker, granted.place.names),
        creator=place.created_by or channels.NOBODY,
    )
