"""The page of users, for those who look after them: added, disabled, given roles in the lake."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import ON_A_PAGE, SENT, TAKEN, console_router, go_to, page
from voxlake.api.guards.askers import Administrator, AfterName, UserManager
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.people import users
from voxlake.documents.forms import LakeRoleForm, StandingForm
from voxlake.documents.people.asked import UserQuestion

router = console_router("/users")


@router.get("", summary="Page of users", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_users(request: Request, asker: UserManager, after: AfterName = "") -> HTMLResponse:
    """Show a page of users, and what they are in the lake."""
    found = await users.list_users(asker, ON_A_PAGE, after)
    return await page(request, "people/users.html", users=found.users, next=found.next)


@router.post("", summary="Add a user by a form", status_code=303, responses=TAKEN)
async def add_user(
    request: Request,
    asker: UserManager,
    asked: Annotated[UserQuestion, Depends(FormBody(UserQuestion))],
) -> RedirectResponse:
    """Add a user."""
    await users.add_user(asker, asked)
    return go_to(request, "/users")


@router.post("/disabled", summary="Disable a user by a form", status_code=303, responses=SENT)
async def disable_user(
    request: Request,
    asker: Administrator,
    asked: Annotated[StandingForm, Depends(FormBody(StandingForm))],
) -> RedirectResponse:
    """Let a user be nobody, or again who they were."""
    await users.disable_user(asker, asked.user, disabled=asked.disabled)
    return go_to(request, "/users")


@router.post("/roles", summary="Give a user a role by a form", status_code=303, responses=SENT)
async def set_role(
    request: Request,
    asker: UserManager,
    asked: Annotated[LakeRoleForm, Depends(FormBody(LakeRoleForm))],
) -> RedirectResponse:
    """Give a user a role in the lake as a whole, or take it back."""
    await users.set_role(asker, asked.user, asked.role, held=asked.held)
    return go_to(request, "/users")
