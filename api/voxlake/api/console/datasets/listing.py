"""The first page: the datasets that the asker may read, or what words find."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from voxlake.api.at_places import Anybody
from voxlake.api.console.pages.page import page
from voxlake.api.guard import AfterPlace
from voxlake.api.places import datasets, metadata

router = APIRouter(tags=["console"])

ON_A_PAGE = 48


@router.get("/", summary="Page of datasets", response_class=HTMLResponse)
async def show_datasets(
    request: Request,
    asker: Anybody,
    q: Annotated[str, Query(max_length=1000, description="Words, or how they begin.")] = "",
    after: AfterPlace = "",
) -> HTMLResponse:
    """Show a page of the datasets that the asker may read, or of what words find."""
    if q.strip():
        found = await metadata.search(asker, q, ON_A_PAGE, after, count=False)
        return await page(request, "datasets/found.html", q=q, places=found.places, next=found.next)
    listed = await datasets.list_page(asker, ON_A_PAGE, after)
    return await page(request, "datasets/listing.html", datasets=listed.datasets, next=listed.next)
