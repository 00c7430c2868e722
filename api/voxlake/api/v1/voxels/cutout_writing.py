"""Voxels that bossDB's clients write, and erase."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from voxlake.api.data.framed import FrameBox
from voxlake.api.data.writing import writing
from voxlake.api.data.writing.framed import open_framed_target
from voxlake.api.guards.datasets import Granted, MayAddVoxels
from voxlake.api.http.answers.boss_errors import documented_as_boss
from voxlake.api.http.answers.problems import BINARY, documented
from voxlake.api.http.requests.voxels_body import VoxelsBody
from voxlake.api.places.channels import frame_of
from voxlake.api.v1.routers import boss_router, refusal
from voxlake.api.v1.voxels.boxes import InFrame, InTime
from voxlake.api.v1.voxels.formats import BOSS_PARSERS
from voxlake.documents.datasets.writes import Merge
from voxlake.platform.access import AddVoxels
from voxlake.platform.errors import InvalidInputError, UnsupportedError

router = boss_router("/cutout")

BOX = "/{collection}/{experiment}/{dataset}/{resolution}/{x}/{y}/{z}"
NO_LEVEL, MISFIT = 1002, 2001
MERGES: Mapping[str, Merge] = {"merge": "keep", "overwrite": "overwrite"}
ERRORS = documented_as_boss(
    {
        **documented(409, "The channel is not ready, or was replaced meanwhile."),
        **documented(413, "The box or the body is larger than the server allows."),
        **documented(415, "A body of this `Content-Type` is not read."),
    }
)
BODY = {"requestBody": {"content": {each.media_type: BINARY for each in BOSS_PARSERS}}}


class BossWriting(BaseModel):
    """What else is said of voxels that are written."""

    mode: Literal["merge", "overwrite"] = Field(
        "merge",
        description="`merge`, as bossDB: where 0 is sent, what is there stays. "
        "`overwrite`: it becomes 0.",
    )
    iso: str | None = Field(None, description="There is one row of levels.")


Asked = Annotated[BossWriting, Query()]


@router.post(
    BOX,
    summary="Write a cutout",
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    responses=ERRORS,
    openapi_extra=BODY,
)
async def post_cutout(
    granted: MayAddVoxels, box: InFrame, asked: Asked, request: Request
) -> Response:
    """Write the voxels of a box of the frame, z, y, x, at the first time point.

    They are durable, indexed and seen by all when it is answered.
    """
    return await _write(granted, box, asked, request)


@router.post(
    f"{BOX}/{{t}}",
    summary="Write a cutout of time points",
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    responses=ERRORS,
    openapi_extra=BODY,
)
async def post_cutout_in_time(
    granted: MayAddVoxels, box: InTime, asked: Asked, request: Request
) -> Response:
    """Write the voxels of a box of the frame at some time points: t, z, y, x."""
    return await _write(granted, box, asked, request)


@router.put(f"/to_black{BOX}", summary="Erase a box", response_class=Response, responses=ERRORS)
async def put_black(granted: MayAddVoxels, box: InFrame, request: Request) -> Response:
    """Make all voxels of a box of the frame 0, at the first time point. A body is not read."""
    return await _erase(granted, box, request)


@router.put(
    f"/to_black{BOX}/{{t}}",
    summary="Erase a box at time points",
    response_class=Response,
    responses=ERRORS,
)
async def put_black_in_time(granted: MayAddVoxels, box: InTime, request: Request) -> Response:
    """Make all voxels of a box of the frame 0 at some time points. A body is not read."""
    return await _erase(granted, box, request)


async def _write(
    granted: Granted[AddVoxels], box: FrameBox, asked: BossWriting, request: Request
) -> Response:
    if box.level:
        return _not_finest(request, box)
    framed = await open_framed_target(granted, box, await frame_of(granted))
    body = VoxelsBody.of(request, framed.cutout, BOSS_PARSERS)
    async with writing.room_for(granted, framed.target, body.held_bytes):
        try:
            voxels = await body.read()
        except InvalidInputError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
            return refusal(request, error, MISFIT)
        voxels = await to_thread.run_sync(framed.stored, voxels)
        await writing.write(granted, framed.target, voxels, MERGES[asked.mode], None)
    return Response(status_code=HTTPStatus.CREATED)


async def _erase(granted: Granted[AddVoxels], box: FrameBox, request: Request) -> Response:
    if box.level:
        return _not_finest(request, box)
    framed = await open_framed_target(granted, box, await frame_of(granted))
    async with writing.room_for(granted, framed.target):
        nothing = writing.filled(framed.target, "0")
        await writing.write(granted, framed.target, nothing, "overwrite", None)
    return Response()


def _not_finest(request: Request, box: FrameBox) -> Response:
    error = UnsupportedError(
        f"level {box.level} was to be written; only level 0 is, and the others follow it"
    )
    return refusal(request, error, NO_LEVEL)
