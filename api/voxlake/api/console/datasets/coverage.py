"""The page of a dataset's coverage: which shards are stored, seen along each axis."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response

from voxlake.api.console.datasets.coverage_picture import draw_coverage
from voxlake.api.console.pages.page import console_router, page
from voxlake.api.data import datasets as data
from voxlake.api.data.stored.coverage import coverage_of
from voxlake.api.guards.datasets import MayRead, MayReadVoxels
from voxlake.api.http.answers.problems import BINARY

router = console_router("/datasets/{collection}/{experiment}/{dataset}")

Level = Annotated[int, Query(ge=0, le=99, description="Which level; one that there is.")]
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "Three projections.", "content": {"image/svg+xml": BINARY}}
}


@router.get("/coverage", summary="Page of what is stored", response_class=HTMLResponse)
async def show_coverage(
    request: Request, described: MayRead, granted: MayReadVoxels, level: Level = 0
) -> HTMLResponse:
    """Show how many shards of a level are stored, and where they lie."""
    dataset = await data.describe_stored(described)
    coverage = await coverage_of(granted, level)
    return await page(
        request, "datasets/coverage.html", dataset=dataset, level=level, coverage=coverage
    )


@router.get(
    "/coverage.svg",
    summary="Picture of what is stored",
    response_class=Response,
    responses=PICTURE,
)
async def show_picture(granted: MayReadVoxels, level: Level = 0) -> Response:
    """Draw which shards of a level are stored, seen along z, y and x."""
    picture = draw_coverage(await coverage_of(granted, level))
    headers = {"Cache-Control": "private, max-age=60"}
    return Response(picture, media_type="image/svg+xml", headers=headers)
