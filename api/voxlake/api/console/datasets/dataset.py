"""The page of a dataset: a picture, what is known of it, and how it is opened elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from voxlake.api.console.datasets.slices import SliceQuery, choose_slice
from voxlake.api.console.datasets.snippets import snippets_of
from voxlake.api.console.pages.page import console_router, held_at, page
from voxlake.api.data import datasets as data
from voxlake.api.guards.askers import GrantedPlace
from voxlake.api.guards.datasets import MayRead, relatives
from voxlake.api.guards.places import OnChannel
from voxlake.api.http.answers.problems import BINARY
from voxlake.api.places import channels, metadata
from voxlake.api.v2.datasets.datasets import with_addresses
from voxlake.platform.access import Read

router = console_router("/datasets/{collection}/{experiment}/{dataset}")

THUMBNAIL = 256
"""Pixels of the longest edge, if a level is so small."""
THUMBNAILS: dict[int | str, dict[str, Any]] = {
    200: {"description": "There is no small level.", "content": {"image/svg+xml": BINARY}},
    302: {"description": "The address of the picture."},
}
NO_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"/>'
MOST_VALUES = 100
"""Key-values that are shown."""

MayReadPlace = Annotated[GrantedPlace[Read], Depends(OnChannel(Read))]


@router.get("", summary="Page of a dataset", response_class=HTMLResponse)
async def show_dataset(
    request: Request, granted: MayRead, place: MayReadPlace, asked: Annotated[SliceQuery, Query()]
) -> HTMLResponse:
    """Show a slice of a dataset, what is known of it, and how it is opened."""
    creator, provenance = await channels.get_origin(granted)
    dataset = await with_addresses(request, granted, await data.describe(granted, index=False))
    said = await metadata.list_values(place)
    family = await relatives(granted)
    return await page(
        request,
        "datasets/dataset.html",
        dataset=dataset,
        creator=creator,
        provenance=provenance,
        may=held_at(place),
        values=list(said.items())[:MOST_VALUES],
        others=[each.record for each in family if each.record.name != granted.record.name],
        slice=choose_slice(dataset, asked),
        snippets=snippets_of(dataset, str(request.base_url).rstrip("/")),
    )


@router.get("/thumbnail", summary="Small picture", response_class=Response, responses=THUMBNAILS)
async def show_thumbnail(request: Request, granted: MayRead) -> Response:
    """Lead to a small picture of a dataset: the middle slice of a coarse level."""
    dataset = await data.describe_stored(granted)
    shown = choose_slice(dataset, SliceQuery(), THUMBNAIL)
    if not shown.is_drawn:
        return Response(NO_PICTURE, media_type="image/svg+xml")
    address = f"{request.base_url}v2/datasets/{dataset.name}/image?{shown.picture}"
    return RedirectResponse(address, 302)
