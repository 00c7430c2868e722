"""What was used of the lake, and how much may be."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from voxlake.api.guards.askers import Administrator, SignedIn
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import usage
from voxlake.documents.people.usage import (
    MONTH,
    LimitList,
    LimitQuestion,
    StoredList,
    UsageDocument,
)

router = APIRouter(prefix="/v2/usage", tags=["people"], responses=FORBIDDEN)


@router.get("", summary="List what was used")
async def get_usage(
    asker: SignedIn,
    month: Annotated[
        str | None, Query(pattern=MONTH, description="`2026-11`; by default the present one.")
    ] = None,
) -> UsageDocument:
    """Return the requests and bytes of a month, by dataset: one's own; for administrators all."""
    return await usage.describe(asker, month)


@router.get("/stored", summary="List what is stored")
async def list_stored(asker: Administrator) -> StoredList:
    """Return what is stored of datasets, as it was measured last, for administrators."""
    return await usage.list_stored(asker)


@router.get("/limits", summary="List limits")
async def list_limits(asker: Administrator) -> LimitList:
    """Return how much may be used in a month, or stored, for administrators."""
    return await usage.list_limits(asker)


@router.put("/limits", summary="Set a limit")
async def set_limit(
    asker: Administrator, asked: Annotated[LimitQuestion, Depends(JsonBody(LimitQuestion))]
) -> LimitList:
    """Say how much a user, a kind of request, a place or the system may have or store."""
    return await usage.set_limit(asker, asked)
