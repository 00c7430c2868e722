"""Pages about whoever asks: who they are, what they used, and what was changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from voxlake.api.console.pages.page import ON_A_PAGE, page
from voxlake.api.guards.askers import BeforeChange, ChangesOf, SignedIn
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.people import shares, usage, users
from voxlake.documents.people.usage import MONTH

router = APIRouter(tags=["console"], responses=FORBIDDEN)


@router.get("/account", summary="Page of whoever asks", response_class=HTMLResponse)
async def show_account(request: Request, asker: SignedIn) -> HTMLResponse:
    """Show who asks, and where what is theirs is found."""
    return await page(request, "people/account.html", me=await users.describe(asker))


@router.get("/usage", summary="Page of what was used", response_class=HTMLResponse)
async def show_usage(
    request: Request,
    asker: SignedIn,
    month: Annotated[str, Query(pattern=f"^$|{MONTH}", description="By default the present.")] = "",
) -> HTMLResponse:
    """Show the requests and bytes of a month, by dataset: one's own; to administrators all.

    They are shown what is stored and how much may be used, too.
    """
    used = await usage.describe(asker, month or None)
    if not asker.principal.administers:
        return await page(request, "people/usage.html", usage=used, stored=(), limits=())
    stored = (await usage.list_stored(asker)).stored[:ON_A_PAGE]
    limits = (await usage.list_limits(asker)).limits
    return await page(request, "people/usage.html", usage=used, stored=stored, limits=limits)


@router.get("/audit", summary="Page of changes", response_class=HTMLResponse)
async def show_changes(
    request: Request,
    asker: SignedIn,
    place: ChangesOf = None,
    before: BeforeChange = None,
) -> HTMLResponse:
    """Show who changed what of people, rights and names, the newest first."""
    found = await shares.list_changes(asker, place, ON_A_PAGE, before)
    return await page(
        request, "people/audit.html", changes=found.changes, next=found.next, place=place or ""
    )
