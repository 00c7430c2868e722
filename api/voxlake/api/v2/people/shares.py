"""Who may do what, where; and who changed what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from voxlake.api.guards.askers import (
    BeforeChange,
    ChangesOf,
    GroupName,
    Limit,
    MayReadPlace,
    MayShare,
    MayUnshare,
    SignedIn,
)
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import shares
from voxlake.documents.people.asked import ShareQuestion
from voxlake.documents.people.people import AuditList, ShareDocument, ShareList

router = APIRouter(prefix="/v2", tags=["sharing"], responses=FORBIDDEN)

OWNERLESS = documented(409, "Nobody but administrators could share the place any more.")


@router.get("/shares", summary="List what is shared")
async def list_shares(granted: MayReadPlace) -> ShareList:
    """Return what is shared at a place and above it.

    Who may not share it themselves sees what is shared with everybody and with their own groups.
    """
    return await shares.list_shares(granted)


@router.put("/shares/{group}", summary="Share a place", responses=OWNERLESS)
async def share(
    granted: MayShare,
    group: GroupName,
    asked: Annotated[ShareQuestion, Depends(JsonBody(ShareQuestion))],
) -> ShareDocument:
    """Let a group have a role at a place and below it, in the place of one that it had.

    Each user has a group of their name, and `public` is everybody: a viewer, at once or from a
    date. One can give what one may do there oneself.
    """
    return await shares.share(granted, group, asked)


@router.delete(
    "/shares/{group}", summary="Take back what is shared", status_code=204, responses=OWNERLESS
)
async def unshare(granted: MayUnshare, group: GroupName) -> None:
    """Take back all that a group was granted at a place; what it has from above stays."""
    await shares.unshare(granted, group)


@router.get("/audit", summary="List changes")
async def list_changes(
    asker: SignedIn,
    place: ChangesOf = None,
    limit: Limit = 100,
    before: BeforeChange = None,
) -> AuditList:
    """Return who changed what of people, rights and names, the newest first."""
    return await shares.list_changes(asker, place, limit, before)
