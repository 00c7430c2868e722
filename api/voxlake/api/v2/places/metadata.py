"""What people say of places, by key; and search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from voxlake.api.guards.askers import Limit, MayReadPlace
from voxlake.api.guards.datasets import AfterPlace
from voxlake.api.guards.places import Anybody, Key, MayUpdatePlace
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.places import metadata as data
from voxlake.documents.places.asked import ValueQuestion
from voxlake.documents.places.places import FoundPage, KeyList, ValueDocument

router = APIRouter(prefix="/v2", tags=["metadata"])

FULL = documented(413, "The place has as many keys as one may.")


@router.get("/metadata", summary="List keys", responses=FORBIDDEN)
async def list_keys(granted: MayReadPlace) -> KeyList:
    """Return the keys that have a value, sorted."""
    return await data.list_keys(granted)


@router.get("/metadata/value", summary="Read a value", responses=FORBIDDEN)
async def get_value(granted: MayReadPlace, key: Key) -> ValueDocument:
    """Return what is said under a key."""
    return await data.get_value(granted, key)


@router.put("/metadata/value", summary="Put a value", responses=FORBIDDEN | FULL)
async def put_value(
    granted: MayUpdatePlace,
    key: Key,
    asked: Annotated[ValueQuestion, Depends(JsonBody(ValueQuestion))],
) -> ValueDocument:
    """Give a key a value, in the place of one that it had."""
    return await data.put_value(granted, key, asked.value)


@router.delete("/metadata/value", summary="Drop a value", status_code=204, responses=FORBIDDEN)
async def drop_value(granted: MayUpdatePlace, key: Key) -> None:
    """Take a key and its value away."""
    await data.drop_value(granted, key)


@router.get("/search", summary="Search")
async def search(
    asker: Anybody,
    q: Annotated[str, Query(max_length=1000, description="Words, or how they begin.")],
    limit: Limit = 100,
    after: AfterPlace = "",
    count: Annotated[bool, Query(description="Also count all that is found.")] = False,  # noqa: FBT002
) -> FoundPage:
    """Return the collections, experiments and datasets that the asker may read and words find.

    Each word must begin a word of the name, the description, or a key or value; small and large
    letters are alike.
    """
    return await data.search(asker, q, limit, after, count=count)
