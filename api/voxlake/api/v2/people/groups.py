"""Groups, and who is in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from voxlake.api.guards.askers import AfterName, GroupName, Limit, SignedIn, Unlimited, UserName
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import groups
from voxlake.documents.people.asked import GroupQuestion, MemberQuestion
from voxlake.documents.people.people import GroupDocument, GroupList

router = APIRouter(prefix="/v2/groups", tags=["people"], responses=FORBIDDEN)

FIXED = documented(
    409, "The group is of everybody or one user's own, or would be left without an owner."
)


@router.get("", summary="List groups")
async def list_groups(asker: SignedIn, limit: Limit = 100, after: AfterName = "") -> GroupList:
    """Return the groups that one is in, sorted by name; for administrators all."""
    return await groups.list_groups(asker, limit, after)


@router.post("", summary="Make a group", responses=documented(409, "The name is taken."))
async def add_group(
    asker: Unlimited, asked: Annotated[GroupQuestion, Depends(JsonBody(GroupQuestion))]
) -> GroupDocument:
    """Make a group, which one owns."""
    return await groups.add_group(asker, asked)


@router.get("/{group}", summary="Describe a group")
async def get_group(asker: SignedIn, group: GroupName) -> GroupDocument:
    """Return a group that one is in; for administrators any."""
    return await groups.get_group(asker, group)


@router.delete("/{group}", summary="Delete a group", status_code=204, responses=FIXED)
async def remove_group(asker: Unlimited, group: GroupName) -> None:
    """Delete a group, and take back what was granted to it; for its owners."""
    await groups.remove_group(asker, group)


@router.put("/{group}/members/{user}", summary="Take a user into a group", responses=FIXED)
async def put_member(
    asker: Unlimited,
    group: GroupName,
    user: UserName,
    asked: Annotated[MemberQuestion, Depends(JsonBody(MemberQuestion))],
) -> GroupDocument:
    """Take a user in, or let them be something else there.

    Maintainers take members in; who is a maintainer or an owner, owners say.
    """
    return await groups.put_member(asker, group, user, asked.value)


@router.delete(
    "/{group}/members/{user}", summary="Let a user leave a group", status_code=204, responses=FIXED
)
async def drop_member(asker: Unlimited, group: GroupName, user: UserName) -> None:
    """Let a user leave: everybody themselves, maintainers members, owners anybody."""
    await groups.drop_member(asker, group, user)
