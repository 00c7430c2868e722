"""Users and their roles, as bossDB's clients ask. No password is kept: the issuer knows people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import Response

from voxlake.api.guards.askers import Administrator, SignedIn, UserManager, UserName
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.people import users as data
from voxlake.api.v1.routers import boss_router, refusal
from voxlake.documents.bossdb.people import (
    ADMIN,
    BossUser,
    BossUserQuestion,
    boss_roles,
    boss_user,
)
from voxlake.documents.people.asked import UserQuestion
from voxlake.platform.access import LakeRole
from voxlake.platform.errors import ConflictError, ForbiddenError

router = boss_router("/sso")

SSO, NO_ROLE = 7001, 7002
USER, ROLES = "/user/{user}", "/user-role/{user}"
RoleName = Annotated[
    str, Path(pattern="^[A-Za-z][A-Za-z0-9_-]{0,63}$", examples=["resource-manager"])
]


@router.get(USER, summary="Describe a user")
async def get_user(asker: SignedIn, user: UserName) -> BossUser:
    """Return a user: for those who look after them any, for others themselves."""
    return boss_user(await data.get_user(asker, user))


@router.post(USER, summary="Add a user", status_code=201, response_class=Response)
async def add_user(
    request: Request,
    asker: UserManager,
    user: UserName,
    asked: Annotated[BossUserQuestion, Depends(LaxBody(BossUserQuestion))],
) -> Response:
    """Add a user. A password may be sent, and is not kept: people sign in at the issuer."""
    made = UserQuestion(name=user, full_name=asked.full_name, email=asked.email or "")
    try:
        await data.add_user(asker, made)
    except ConflictError as error:
        return refusal(request, error, SSO)
    return Response(status_code=201)


@router.delete(USER, summary="Delete a user", status_code=204)
async def remove_user(asker: Administrator, user: UserName) -> None:
    """Delete a user with their tokens, sessions, links and what only they were granted."""
    await data.remove_user(asker, user)


@router.get(ROLES, summary="List the roles of a user")
async def list_roles(asker: SignedIn, user: UserName) -> tuple[str, ...]:
    """Return the roles of a user: for those who look after them of any, for others their own."""
    return boss_roles(await data.get_user(asker, user))


@router.get(f"{ROLES}/{{role}}", summary="Has a user a role?", response_model=bool)
async def has_role(
    request: Request, asker: SignedIn, user: UserName, role: RoleName
) -> bool | Response:
    """Return whether a user has a role."""
    roles = boss_roles(await data.get_user(asker, user))
    return role in roles if role in {ADMIN, *LakeRole} else _no_role(request, role)


@router.post(
    f"{ROLES}/{{role}}", summary="Give a user a role", status_code=201, response_class=Response
)
async def give_role(
    request: Request, asker: UserManager, user: UserName, role: RoleName
) -> Response:
    """Let a user be a resource manager; or a user manager, if an administrator asks."""
    if role not in set(LakeRole):
        return _no_role(request, role)
    await data.set_role(asker, user, LakeRole(role), held=True)
    return Response(status_code=201)


@router.delete(
    f"{ROLES}/{{role}}",
    summary="Take a role back from a user",
    status_code=204,
    response_class=Response,
)
async def take_role(
    request: Request, asker: UserManager, user: UserName, role: RoleName
) -> Response:
    """Let a user be a resource manager, or a user manager, no longer."""
    if role not in set(LakeRole):
        return _no_role(request, role)
    await data.set_role(asker, user, LakeRole(role), held=False)
    return Response(status_code=204)


def _no_role(request: Request, role: str) -> Response:
    roles = ", ".join(LakeRole)
    error = ForbiddenError(f"{role} is no role that is given here; those are: {roles}")
    return refusal(request, error, NO_ROLE)
