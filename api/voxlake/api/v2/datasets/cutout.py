"""Cutouts: the voxels of a box, read and written in the format that the client asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic import Field
from starlette.requests import Request

from voxlake.api.data import datasets as data
from voxlake.api.data import portions
from voxlake.api.data.voxels import voxels_of
from voxlake.api.data.writing import writing
from voxlake.api.formats import FORMATS, negotiate
from voxlake.api.formats.parsing import PARSERS
from voxlake.api.guards.datasets import MayAddVoxels, MayReadSome
from voxlake.api.http.answers.cutout import CutoutReading
from voxlake.api.http.answers.cutout_answer import answer, unread
from voxlake.api.http.answers.label_answers import mapping_header
from voxlake.api.http.answers.problems import BINARY, NOT_ALLOWED, documented
from voxlake.api.http.requests.query import Ranges, VoxelsQuery, parse_box
from voxlake.api.http.requests.ranges import early_status, has_condition
from voxlake.api.http.requests.voxels_body import VoxelsBody, refuse_body
from voxlake.documents.datasets.writes import Merge, WrittenDocument
from voxlake.platform.errors import UnsupportedError

router = APIRouter(prefix="/v2/datasets/{collection}/{experiment}/{dataset}", tags=["voxels"])

NAMES = ", ".join(f"`{each.name}`" for each in FORMATS)


class CutoutQuery(VoxelsQuery):
    """The box of a cutout, and what its voxels are."""

    etag: bool = Field(
        default=False,
        description="Send an `ETag`, which is another once any shard of the box has changed.",
    )


class WriteQuery(Ranges):
    """The box of level 0 that is written, and how."""

    level: int = Field(0, ge=0, description="0, the finest: the others follow it.")
    merge: Merge = Field(
        "overwrite", description="`keep` keeps the voxels that are there where those sent are 0."
    )
    fill: str | None = Field(
        None,
        max_length=64,
        description="A value for all voxels of the box, in the place of a body.",
        examples=["0"],
    )


@router.get(
    "/cutout",
    summary="Read the voxels of a box",
    response_class=Response,
    responses={
        200: {
            "description": "The voxels, C order, little-endian.",
            "content": {each.media_type: BINARY for each in FORMATS},
        },
        304: {"description": "The voxels are those that `If-None-Match` names."},
        **documented(406, "No format satisfies `format` or `Accept`."),
        **documented(412, "The voxels are not those that `If-Match` names."),
        **documented(413, "The cutout is larger than the server allows."),
    },
)
async def get_cutout(
    granted: MayReadSome,
    asked: Annotated[CutoutQuery, Query()],
    request: Request,
    accept: Annotated[str | None, Header()] = None,
    form: Annotated[str | None, Query(alias="format", description=f"One of {NAMES}.")] = None,
) -> Response:
    """Return the voxels of a box of one level.

    Shape, data type and axes are in the `X-Voxlake-...` headers of the answer; with `bodies` the
    number of the mapping that was applied, too. Above level 0 they are the bodies of the
    supervoxels that the level has. With `filter` the labels that are not listed are 0; of bodies
    it lists bodies. `If-None-Match` and `If-Match` take the `ETag` that was sent with `etag`.
    """
    dataset = await data.open_dataset(granted)
    volume = await data.open_level(granted, dataset, asked.level)
    axes = dataset.multiscale.axis_names
    box = parse_box(asked.by_axis(), axes, volume.shape)
    await portions.check_box(granted, dataset, asked.level, box)
    voxels = await voxels_of(granted, volume, bodies=asked.bodies, labels=asked.labels)
    cutout = data.cutout_of(granted, dataset, asked.level, box, voxels.dtype)
    chosen = negotiate(form, accept, FORMATS, cutout)
    headers = mapping_header(voxels.mapping)
    if asked.etag or has_condition(request.headers):
        state = await writing.etag_of_box(volume, box)
        mapped = "" if voxels.mapping is None else f".{voxels.mapping}"
        headers["ETag"] = etag = f'"{state}.{chosen.name}{mapped}"'
        if (early := early_status(request.headers, etag)) is not None:
            return unread(early, headers)
    reading = CutoutReading(
        cutout,
        chosen,
        voxels.read,
        more_headers=headers,
        copies=voxels.copies,
        decoding_bytes=volume.decoding_bytes(box),
        chunk=volume.chunk,
    )
    return answer(granted, reading)


@router.put(
    "/cutout",
    summary="Write the voxels of a box",
    openapi_extra={
        "requestBody": {"content": {each.media_type: BINARY for each in PARSERS}},
    },
    responses={
        **NOT_ALLOWED,
        **documented(409, "The dataset is not ready, or was replaced meanwhile."),
        **documented(412, "The box has changed since it had the ETag of `If-Match`."),
        **documented(413, "The box or the body is larger than the server allows."),
        **documented(415, "A body of this `Content-Type` is not read."),
    },
)
async def put_cutout(
    granted: MayAddVoxels,
    asked: Annotated[WriteQuery, Query()],
    request: Request,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> WrittenDocument:
    """Write the voxels of a box of level 0: durable, indexed and seen by all when it is answered.

    The body has the voxels of the box and of the type of the dataset, as `Content-Type` says: raw
    bytes and Blosc in C order and little-endian. `Content-Digest` is checked before anything is
    written. `If-Match` takes the `ETag` of a cutout of the same box that was read with
    `etag=true`; a box of several shards changes shard by shard.
    """
    if asked.level:
        raise UnsupportedError(
            f"level {asked.level} was to be written; only level 0 is, and the others follow it"
        )
    target = await writing.open_target(granted, asked.by_axis())
    if asked.fill is None:
        body = VoxelsBody.of(request, target.cutout)
        async with writing.room_for(granted, target, body.held_bytes):
            voxels = await body.read()
            written = await writing.write(granted, target, voxels, asked.merge, if_match)
    else:
        refuse_body(request)
        voxels = writing.filled(target, asked.fill)
        async with writing.room_for(granted, target):
            written = await writing.write(granted, target, voxels, asked.merge, if_match)
    if asked.merge == "overwrite":
        response.headers["ETag"] = f'"{written.etag}"'
    return written
