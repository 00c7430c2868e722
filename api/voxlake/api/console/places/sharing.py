"""Pages on which places are shared: with people, groups and everybody, and by links."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import SENT, console_router, go_to, held_at, page
from voxlake.api.guards.askers import MayReadPlace, MayShare, MayUnshare
from voxlake.api.guards.datasets import MayAssignGroup, MayReadVoxels, MayRemoveGroup
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.people import links, shares
from voxlake.documents.forms import GroupForm, LinkForm, NumberForm, ShareForm
from voxlake.documents.people.links import link_document

router = console_router()

LINKS = "/datasets/{collection}/{experiment}/{dataset}/links"
OWNERLESS = documented(409, "Nobody but administrators could share the place any more.")


@router.get(
    "/sharing",
    summary="Page of what is shared",
    response_class=HTMLResponse,
    responses=FORBIDDEN,
)
async def show_shares(request: Request, granted: MayReadPlace) -> HTMLResponse:
    """Show who may do what at a place, as far as the asker may know, and the forms to change it."""
    found = await shares.list_shares(granted)
    return await page(
        request,
        "places/sharing.html",
        name="/".join(granted.place.names),
        shares=found.shares,
        may=held_at(granted),
    )


@router.post(
    "/sharing", summary="Share a place by a form", status_code=303, responses=SENT | OWNERLESS
)
async def share(
    request: Request, granted: MayShare, asked: Annotated[ShareForm, Depends(FormBody(ShareForm))]
) -> RedirectResponse:
    """Let a user, a group or everybody have a role at a place and below it."""
    await shares.share(granted, asked.group, asked.question)
    return _to_sharing(request, granted.place.names)


@router.post(
    "/sharing/end", summary="Take back what is shared", status_code=303, responses=SENT | OWNERLESS
)
async def end_sharing(
    request: Request, granted: MayUnshare, asked: Annotated[GroupForm, Depends(FormBody(GroupForm))]
) -> RedirectResponse:
    """Take back all that a group was granted at a place; what it has from above stays."""
    await shares.unshare(granted, asked.group)
    return _to_sharing(request, granted.place.names)


@router.get(LINKS, summary="Page of links", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_links(request: Request, granted: MayAssignGroup) -> HTMLResponse:
    """Show the links to a dataset that are not over, and the form that makes one."""
    found = await links.list_links(granted)
    name = str(granted.record.name)
    return await page(
        request, "places/links.html", name=name, links=list(map(link_document, found))
    )


@router.post(
    LINKS, summary="Make a link by a form", response_class=HTMLResponse, responses=FORBIDDEN
)
async def make_link(
    request: Request,
    _read: MayReadVoxels,
    granted: MayAssignGroup,
    asked: Annotated[LinkForm, Depends(FormBody(LinkForm))],
) -> HTMLResponse:
    """Make a link, and show it, this once."""
    made = await links.make_link(granted, asked.question, str(request.base_url))
    return await page(request, "places/link_made.html", name=str(granted.record.name), made=made)


@router.post(f"{LINKS}/end", summary="Revoke a link by a form", status_code=303, responses=SENT)
async def revoke_link(
    request: Request,
    granted: MayRemoveGroup,
    asked: Annotated[NumberForm, Depends(FormBody(NumberForm))],
) -> RedirectResponse:
    """Let a link be good for nothing within seconds."""
    await links.revoke_link(granted, asked.number)
    return go_to(request, f"/datasets/{granted.record.name}/links")


def _to_sharing(request: Request, names: tuple[str, ...]) -> RedirectResponse:
    return go_to(request, "/sharing?" + urlencode({"place": "/".join(names) or "/"}, safe="/"))
