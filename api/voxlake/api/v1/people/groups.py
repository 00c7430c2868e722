"""Groups, and who is in them, as bossDB's clients ask.

Who maintains a group, or owns it, is in it: members are all who are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from fastapi import Query, Request
from fastapi.responses import Response

from voxlake.api.guards.askers import Asker, GroupName, SignedIn, Unlimited, UserName
from voxlake.api.people import groups as data
from voxlake.api.people import permission_sets
from voxlake.api.v1.people.group_names import boss_name, name_here
from voxlake.api.v1.routers import boss_router, refusal
from voxlake.documents.bossdb.people import (
    BossGroup,
    BossGroups,
    BossMaintainers,
    BossMembers,
    BossResource,
    BossResult,
    boss_resource,
)
from voxlake.documents.people.asked import GroupQuestion
from voxlake.documents.people.people import GroupDocument
from voxlake.platform.errors import ConflictError

router = boss_router("/groups")

GROUP_EXISTS = 6001


@router.get("", summary="List groups")
async def list_groups(
    asker: SignedIn,
    which: Annotated[Literal["member", "maintainer"] | None, Query(alias="filter")] = None,
) -> BossGroups:
    """Return the names of the groups that the asker is in, or maintains."""
    found = await data.find_mine(asker)
    if which == "maintainer":
        name = asker.principal.name
        found = [group for group in found if group.standing_of(name) in data.MAINTAINERS]
    return BossGroups(groups=tuple(boss_name(g.name, is_personal=g.is_personal) for g in found))


@router.get("/{group}", summary="Describe a group")
async def get_group(asker: SignedIn, group: GroupName) -> BossGroup:
    """Return a group that the asker is in, and on what it has permissions."""
    found = await _find(asker, group)
    places = await permission_sets.resources_of(asker, found.name)
    owners = [each.user for each in found.members if each.standing == "owner"]
    return BossGroup(
        name=boss_name(found.name, is_personal=found.is_personal),
        owner=next(iter(owners), ""),
        resources=tuple(BossResource(**boss_resource(place)) for place in places),
    )


@router.post("/{group}", summary="Make a group", status_code=201, response_class=Response)
async def add_group(request: Request, asker: Unlimited, group: GroupName) -> Response:
    """Make a group, which the asker owns."""
    try:
        await data.add_group(asker, GroupQuestion(name=group, owner=None))
    except ConflictError as error:
        return refusal(request, error, GROUP_EXISTS, 404)
    return Response(status_code=201)


@router.delete("/{group}", summary="Delete a group", status_code=204)
async def remove_group(asker: Unlimited, group: GroupName) -> None:
    """Delete a group, and what was granted to it; for its owners."""
    await data.remove_group(asker, await name_here(asker, group))


@router.get("/{group}/members", summary="List who is in a group")
async def list_members(asker: SignedIn, group: GroupName) -> BossMembers:
    """Return the names of all who are in a group."""
    return BossMembers(members=await _names(asker, group, data.MEMBERS))


@router.get("/{group}/members/{user}", summary="Is somebody in a group?")
async def is_member(asker: SignedIn, group: GroupName, user: UserName) -> BossResult:
    """Return whether a user is in a group."""
    return await _is_in(asker, group, user, data.MEMBERS)


@router.post("/{group}/members/{user}", summary="Take a user into a group", status_code=204)
async def add_member(asker: Unlimited, group: GroupName, user: UserName) -> None:
    """Take a user in; who is in stays what they are."""
    await data.take_in(asker, await name_here(asker, group), user)


@router.delete("/{group}/members/{user}", summary="Let a user leave a group", status_code=204)
async def drop_member(asker: Unlimited, group: GroupName, user: UserName) -> None:
    """Let a user leave, whatever they are there."""
    await data.let_go(asker, await name_here(asker, group), user)


@router.get("/{group}/maintainers", summary="List who maintains a group")
async def list_maintainers(asker: SignedIn, group: GroupName) -> BossMaintainers:
    """Return the names of those who say who is in a group."""
    return BossMaintainers(maintainers=await _names(asker, group, data.MAINTAINERS))


@router.get("/{group}/maintainers/{user}", summary="Does somebody maintain a group?")
async def is_maintainer(asker: SignedIn, group: GroupName, user: UserName) -> BossResult:
    """Return whether a user maintains a group."""
    return await _is_in(asker, group, user, data.MAINTAINERS)


@router.post("/{group}/maintainers/{user}", summary="Let a user maintain a group", status_code=204)
async def add_maintainer(asker: Unlimited, group: GroupName, user: UserName) -> None:
    """Let a user maintain a group, and be in it."""
    await data.let_maintain(asker, await name_here(asker, group), user)


@router.delete(
    "/{group}/maintainers/{user}", summary="Let a user maintain a group no longer", status_code=204
)
async def drop_maintainer(asker: Unlimited, group: GroupName, user: UserName) -> None:
    """Let a user be an ordinary member."""
    await data.end_maintaining(asker, await name_here(asker, group), user)


async def _find(asker: Asker, group: str) -> GroupDocument:
    return await data.get_group(asker, await name_here(asker, group))


async def _names(asker: Asker, group: str, standings: Collection[str]) -> tuple[str, ...]:
    found = await _find(asker, group)
    return tuple(each.user for each in found.members if each.standing in standings)


async def _is_in(asker: Asker, group: str, user: str, standings: Collection[str]) -> BossResult:
    name = await name_here(asker, group)
    return BossResult(result=await data.is_in(asker, name, user, standings))
