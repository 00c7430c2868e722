"""Pages of groups: which one is in, and who else is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import ON_A_PAGE, SENT, check_typed, console_router, go_to, page
from voxlake.api.guards.askers import AfterName, GroupName, SignedIn, Unlimited
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.people import groups
from voxlake.documents.forms import DeletionForm, MemberForm, UserForm
from voxlake.documents.people.asked import GroupQuestion

router = console_router("/groups")

FIXED = SENT | documented(409, "The name is taken, or the group would be left without an owner.")


@router.get("", summary="Page of groups", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_groups(request: Request, asker: SignedIn, after: AfterName = "") -> HTMLResponse:
    """Show the groups that one is in; to administrators all."""
    found = await groups.list_groups(asker, ON_A_PAGE, after)
    return await page(request, "people/groups.html", groups=found.groups, next=found.next)


@router.post("", summary="Make a group by a form", status_code=303, responses=FIXED)
async def add_group(
    request: Request,
    asker: Unlimited,
    asked: Annotated[GroupQuestion, Depends(FormBody(GroupQuestion))],
) -> RedirectResponse:
    """Make a group, which one owns."""
    made = await groups.add_group(asker, asked)
    return go_to(request, f"/groups/{made.name}")


@router.get("/{group}", summary="Page of a group", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_group(request: Request, asker: SignedIn, group: GroupName) -> HTMLResponse:
    """Show who is in a group that one is in."""
    found = await groups.get_group(asker, group)
    standing = next(
        (each.standing for each in found.members if each.user == asker.principal.name), ""
    )
    return await page(
        request,
        "people/group.html",
        group=found,
        standing="owner" if asker.principal.administers else standing,
    )


@router.post(
    "/{group}/members", summary="Take a user in by a form", status_code=303, responses=FIXED
)
async def put_member(
    request: Request,
    asker: Unlimited,
    group: GroupName,
    asked: Annotated[MemberForm, Depends(FormBody(MemberForm))],
) -> RedirectResponse:
    """Take a user in, or let them be something else there."""
    await groups.put_member(asker, group, asked.user, asked.question.value)
    return go_to(request, f"/groups/{group}")


@router.post(
    "/{group}/members/end", summary="Let a user go by a form", status_code=303, responses=FIXED
)
async def drop_member(
    request: Request,
    asker: Unlimited,
    group: GroupName,
    asked: Annotated[UserForm, Depends(FormBody(UserForm))],
) -> RedirectResponse:
    """Let a user leave: everybody themselves, maintainers members, owners anybody."""
    await groups.drop_member(asker, group, asked.user)
    left = asked.user == asker.principal.name and not asker.principal.administers
    return go_to(request, "/groups" if left else f"/groups/{group}")


@router.post(
    "/{group}/delete", summary="Delete a group by a form", status_code=303, responses=FIXED
)
async def delete_group(
    request: Request,
    asker: Unlimited,
    group: GroupName,
    asked: Annotated[DeletionForm, Depends(FormBody(DeletionForm))],
) -> RedirectResponse:
    """Delete a group, and take back what was granted to it; for its owners."""
    check_typed(asked, group)
    await groups.remove_group(asker, group)
    return go_to(request, "/groups")
