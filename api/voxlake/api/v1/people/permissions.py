"""Permissions of groups on resources, as bossDB's clients ask: they hold there and not below."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from voxlake.api.guards.askers import NAMED, Asker, SignedIn
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.people import permission_sets as data
from voxlake.api.v1.people.group_names import boss_name, name_here
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb.people import (
    BossPermissionQuestion,
    BossPermissionSet,
    BossPermissionSets,
    boss_resource,
)
from voxlake.platform.errors import InvalidInputError

router = boss_router("/permissions")

MaybeName = Annotated[str | None, Field(pattern=NAMED)]


class ResourceQuery(BaseModel):
    """A resource, by its names in the query; none of them is every resource."""

    collection: MaybeName = None
    experiment: MaybeName = None
    channel: MaybeName = None
    group: MaybeName = Field(None, description="`ada-primary` is the own group of user `ada`.")

    @property
    def place(self) -> tuple[str, ...]:
        """Its names, from the collection down."""
        return place_of(self.collection, self.experiment, self.channel)


Asked = Annotated[ResourceQuery, Query()]
Granting = Annotated[BossPermissionQuestion, Depends(LaxBody(BossPermissionQuestion))]


@router.get("", summary="List permissions")
async def list_permissions(asker: SignedIn, asked: Asked) -> BossPermissionSets:
    """Return the permissions of the asker's groups, or of one group, on all resources or one."""
    group = None if asked.group is None else await name_here(asker, asked.group)
    found = await data.list_sets(asker, group, asked.place)
    sets = tuple(
        BossPermissionSet(
            **boss_resource(each.place),
            group=boss_name(each.group, is_personal=each.is_personal),
            permissions=tuple(sorted(each.permissions)),
        )
        for each in found
    )
    return BossPermissionSets(sets=sets)


@router.post("", summary="Grant permissions", status_code=201, response_class=Response)
async def add_permissions(asker: SignedIn, asked: Granting) -> Response:
    """Let a group have more permissions on a resource."""
    await _put(asker, asked, alone=False)
    return Response(status_code=201)


@router.patch("", summary="Replace permissions", response_class=Response)
async def replace_permissions(asker: SignedIn, asked: Granting) -> Response:
    """Let a group have these permissions on a resource, in the place of all that it had there."""
    await _put(asker, asked, alone=True)
    return Response(status_code=200)


@router.delete("", summary="Take permissions back", status_code=204)
async def drop_permissions(asker: SignedIn, asked: Asked) -> None:
    """Take back all that a group was granted on a resource."""
    if asked.group is None or not asked.place:
        raise InvalidInputError("it is not said whose permissions, on what; give group, collection")
    await data.drop_set(asker, asked.place, await name_here(asker, asked.group))


async def _put(asker: Asker, asked: BossPermissionQuestion, *, alone: bool) -> None:
    place = place_of(asked.collection, asked.experiment, asked.channel)
    group = await name_here(asker, asked.group)
    await data.put_set(asker, place, group, frozenset(asked.permissions), alone=alone)


def place_of(*names: str | None) -> tuple[str, ...]:
    """Return a place by its names; raise InvalidInputError if one above a name is not given.

    Examples
    --------
    >>> place_of("lab", "brain", None)
    ('lab', 'brain')
    """
    given = tuple(name for name in names if name is not None)
    if given != names[: len(given)]:
        raise InvalidInputError(
            "a channel is named with its experiment and collection, an experiment with its "
            "collection"
        )
    return given
