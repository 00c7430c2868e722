"""Pages of views that somebody shares: made by a button of a dataset's page, listed, and ended."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import ON_A_PAGE, SENT, console_router, go_to, page
from voxlake.api.guards.askers import AfterNumber, SignedIn
from voxlake.api.guards.datasets import grant
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.people import states
from voxlake.api.views.neuroglancer_routes import get_state
from voxlake.documents.forms import StateForm, ViewForm
from voxlake.documents.viewer.states import ViewerState
from voxlake.platform.access import ReadVoxels

router = console_router("/views")


@router.get("", summary="Page of shared views", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_views(request: Request, asker: SignedIn, after: AfterNumber = 0) -> HTMLResponse:
    """Show the views that the asker shares, the oldest first."""
    found = await states.list_states(asker, str(request.base_url), ON_A_PAGE, after)
    return await page(request, "people/views.html", views=found.states, next=found.next, made=None)


@router.post("", summary="Share a view by a form", response_class=HTMLResponse, responses=FORBIDDEN)
async def share_view(
    request: Request, asker: SignedIn, asked: Annotated[ViewForm, Depends(FormBody(ViewForm))]
) -> HTMLResponse:
    """Keep the view that a dataset's page opens, and show the short link to it."""
    granted = await grant(request.scope, asked.parts, ReadVoxels)
    shown = await get_state(request, granted, chosen=asked.label)
    base, state = str(request.base_url), ViewerState.model_validate_json(json.dumps(shown))
    state = state.titled(asked.title)
    made = await states.share_state(asker, state, base, None, for_users=asked.for_users)
    found = await states.list_states(asker, base, ON_A_PAGE, 0)
    return await page(request, "people/views.html", views=found.states, next=found.next, made=made)


@router.post("/end", summary="Stop sharing a view by a form", status_code=303, responses=SENT)
async def end_view(
    request: Request, asker: SignedIn, asked: Annotated[StateForm, Depends(FormBody(StateForm))]
) -> RedirectResponse:
    """Forget a view that the asker shares."""
    await states.delete_state(asker, asked.id)
    return go_to(request, "/views")
