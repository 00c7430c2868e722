"""The page of what was deleted, and is brought back there."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import ON_A_PAGE, SENT, console_router, go_to, page, page_of
from voxlake.api.guards.askers import AfterNumber, SignedIn
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.places import deleted as data
from voxlake.documents.forms import RestoreForm

router = console_router("/deleted")

BEGUN = SENT | documented(409, "Its name is taken, what it lay in is deleted, or its purge began.")


@router.get(
    "", summary="Page of what was deleted", response_class=HTMLResponse, responses=FORBIDDEN
)
async def show_deleted(request: Request, asker: SignedIn, after: AfterNumber = 0) -> HTMLResponse:
    """Show what was deleted and the asker can bring back, the last deleted first."""
    found = await data.list_deleted(asker, ON_A_PAGE, after)
    return await page(request, "places/deleted.html", deleted=found.deleted, next=found.next)


@router.post(
    "/restore", summary="Bring back what was deleted by a form", status_code=303, responses=BEGUN
)
async def restore(
    request: Request, asker: SignedIn, asked: Annotated[RestoreForm, Depends(FormBody(RestoreForm))]
) -> RedirectResponse:
    """Bring something back, and go on to its page."""
    back = await data.restore(asker, asked.id, asked.name)
    return go_to(request, page_of(back.restored))
