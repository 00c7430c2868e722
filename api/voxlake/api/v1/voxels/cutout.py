"""Cutouts, as bossDB's clients ask for them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from voxlake.api.data.framed import FrameBox, open_framed
from voxlake.api.formats import negotiate
from voxlake.api.guards.datasets import Granted, MayReadVoxels
from voxlake.api.http.answers.cutout_answer import answer
from voxlake.api.http.answers.problems import BINARY
from voxlake.api.http.requests.query import parse_ids
from voxlake.api.places.channels import recent_frame_of
from voxlake.api.v1.routers import FORMS, boss_router
from voxlake.api.v1.voxels.boxes import InFrame, InTime
from voxlake.api.v1.voxels.formats import BOSS_FORMATS
from voxlake.platform.access import ReadVoxels

router = boss_router("/cutout/{collection}/{experiment}/{dataset}/{resolution}")

Accept = Annotated[str | None, Header()]
CUTOUT = {
    200: {
        "description": "The voxels, C order: z, y, x, and t before if it was asked for.",
        "content": {each.media_type: BINARY for each in BOSS_FORMATS},
    },
    **FORMS,
}


class BossVoxels(BaseModel):
    """What else is said of a cutout."""

    filter: str | None = Field(
        None, description="Of annotations: ids that are kept, all others become 0."
    )
    access_mode: Literal["cache", "no-cache", "raw"] | None = Field(
        None, alias="access-mode", description="bossDB's caches, of which there are none here."
    )
    no_cache: str | None = Field(None, alias="no-cache", description="The same, before.")
    iso: str | None = Field(None, description="There is one row of levels.")
    window: str | None = Field(None, description="Neuroglancer's; voxels are sent as they are.")


@router.get("/{x}/{y}/{z}", summary="Read a cutout", response_class=Response, responses=CUTOUT)
async def get_cutout(
    granted: MayReadVoxels,
    box: InFrame,
    asked: Annotated[BossVoxels, Query()],
    accept: Accept = None,
) -> Response:
    """Return the voxels of a box of the frame, at the first time point."""
    return await _answer(granted, box, asked, accept)


@router.get(
    "/{x}/{y}/{z}/{t}",
    summary="Read a cutout of time points",
    response_class=Response,
    responses=CUTOUT,
)
async def get_cutout_in_time(
    granted: MayReadVoxels,
    box: InTime,
    asked: Annotated[BossVoxels, Query()],
    accept: Accept = None,
) -> Response:
    """Return the voxels of a box of the frame at some time points, t first."""
    return await _answer(granted, box, asked, accept)


async def _answer(
    granted: Granted[ReadVoxels], box: FrameBox, asked: BossVoxels, accept: str | None
) -> Response:
    kept = None if asked.filter is None else parse_ids(asked.filter)
    framed = await open_framed(granted, box, await recent_frame_of(granted), kept)
    chosen = negotiate(None, accept, BOSS_FORMATS, framed.cutout)
    return answer(granted, framed.reading(chosen))
