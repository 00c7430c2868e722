"""Users, and who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from voxlake.api.guards.askers import (
    Administrator,
    AfterName,
    Limit,
    SignedIn,
    UserManager,
    UserName,
)
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import users
from voxlake.documents.people.asked import UserQuestion
from voxlake.documents.people.people import MeDocument, UserDocument, UserList
from voxlake.platform.access import LakeRole

RoleOfLake = Annotated[LakeRole, Path(description="What they are to look after.")]

router = APIRouter(prefix="/v2", tags=["people"], responses=FORBIDDEN)


@router.get("/me", summary="Who am I?")
async def get_me(asker: SignedIn) -> MeDocument:
    """Return who asks: name, groups, and what may be done with what was asked by."""
    return await users.describe(asker)


@router.get("/users", summary="List users")
async def list_users(asker: UserManager, limit: Limit = 100, after: AfterName = "") -> UserList:
    """Return the users of the lake, sorted by name, for those who look after them."""
    return await users.list_users(asker, limit, after)


@router.post(
    "/users",
    summary="Add a user",
    responses=documented(409, "A user or a group has the name."),
)
async def add_user(
    asker: UserManager, asked: Annotated[UserQuestion, Depends(JsonBody(UserQuestion))]
) -> UserDocument:
    """Add a user, with a group of their own that has their name; managers of users may.

    Another administrator is for administrators to make.
    """
    return await users.add_user(asker, asked)


@router.get("/users/{user}", summary="Describe a user")
async def get_user(asker: SignedIn, user: UserName) -> UserDocument:
    """Return a user: for those who look after them any, for others themselves."""
    return await users.get_user(asker, user)


@router.put("/users/{user}/disabled", summary="Disable a user")
async def disable_user(asker: Administrator, user: UserName) -> UserDocument:
    """Let a user, their tokens and sessions be nobody; what they were granted is kept."""
    return await users.disable_user(asker, user, disabled=True)


@router.delete("/users/{user}/disabled", summary="Enable a user")
async def enable_user(asker: Administrator, user: UserName) -> UserDocument:
    """Let a user who was disabled be who they were."""
    return await users.disable_user(asker, user, disabled=False)


@router.delete(
    "/users/{user}",
    summary="Delete a user",
    status_code=204,
    responses=documented(409, "A group would be left without an owner."),
)
async def remove_user(asker: Administrator, user: UserName) -> None:
    """Delete a user with their tokens, sessions, links and what only they were granted."""
    await users.remove_user(asker, user)


@router.put("/users/{user}/roles/{role}", summary="Give a user a role in the lake")
async def give_role(asker: UserManager, user: UserName, role: RoleOfLake) -> UserDocument:
    """Let a user look after resources: make collections and frames. Managers of users may say so.

    Who looks after users, administrators say.
    """
    return await users.set_role(asker, user, role, held=True)


@router.delete("/users/{user}/roles/{role}", summary="Take a role back from a user")
async def take_role(asker: UserManager, user: UserName, role: RoleOfLake) -> UserDocument:
    """Let a user look after resources, or users, no longer."""
    return await users.set_role(asker, user, role, held=False)
