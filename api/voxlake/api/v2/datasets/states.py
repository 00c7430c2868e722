"""States of the viewer that people share, as Neuroglancer's Share button asks for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import AwareDatetime, BaseModel, Field

from voxlake.api.guards.askers import AfterNumber, Limit, SignedIn
from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import states
from voxlake.documents.people.asked import Line
from voxlake.documents.viewer.states import MOST_TITLE, SharedStateList, ViewerState, state_url

router = APIRouter(tags=["viewer"])


class SharingQuery(BaseModel):
    """How a state is shared."""

    for_users: bool = Field(
        default=False, description="Show it to those alone who say who they are."
    )
    ends_at: AwareDatetime | None = Field(
        None, description="Until when it is kept; by default for a year."
    )
    title: Annotated[Line, Field(max_length=MOST_TITLE)] = Field(
        "", description="What the viewer is to call it; empty: what the state says itself."
    )


StateId = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{22}$", description="The id of a state.")]
_TOO_LARGE = documented(413, "It is too large, or you share too many.")


@router.post(
    "/v2/states", summary="Share a state", status_code=201, responses={**FORBIDDEN, **_TOO_LARGE}
)
async def share_state(
    request: Request,
    response: Response,
    asker: SignedIn,
    state: Annotated[ViewerState, Depends(JsonBody(ViewerState))],
    asked: Annotated[SharingQuery, Query()],
) -> str:
    """Keep a state of the viewer, and return its address.

    Whoever has the address sees the state: names of datasets, and what its maker wrote there. What
    the datasets hold they see only as far as they may.
    """
    made = await states.share_state(
        asker,
        state.titled(asked.title),
        str(request.base_url),
        asked.ends_at,
        for_users=asked.for_users,
    )
    response.headers["Location"] = made.url
    return made.url


@router.get("/v2/states", summary="List what you share", responses=FORBIDDEN)
async def list_states(
    request: Request, asker: SignedIn, limit: Limit = 100, after: AfterNumber = 0
) -> SharedStateList:
    """Return the states that you share, the oldest first."""
    return await states.list_states(asker, str(request.base_url), limit, after)


@router.get("/v2/states/{state}", summary="Get a state", dependencies=[Depends(public)])
async def read_state(request: Request, state: StateId) -> Response:
    """Return the JSON of a state."""
    text = await states.read_state(request, state)
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}
    return Response(text, headers=headers, media_type="application/json")


@router.delete(
    "/v2/states/{state}", summary="Stop sharing a state", status_code=204, responses=FORBIDDEN
)
async def delete_state(asker: SignedIn, state: StateId) -> None:
    """Forget a state that you share; administrators, any."""
    await states.delete_state(asker, state)


@router.get(
    "/s/{state}",
    summary="Open the viewer with a state",
    status_code=302,
    response_class=RedirectResponse,
    dependencies=[Depends(public)],
)
async def open_state(request: Request, state: StateId) -> RedirectResponse:
    """Redirect to the viewer, which reads the state."""
    base = str(request.base_url)
    link = f"{base}neuroglancer/#!{state_url(base, state)}"
    return RedirectResponse(link, 302, {"Cache-Control": "no-store"})
