"""Cutouts: the voxels of a box, in the format that the client asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from voxlake.api.data import datasets as data
from voxlake.api.data import portions
from voxlake.api.data.voxels import voxels_of
from voxlake.api.formats import FORMATS, negotiate
from voxlake.api.guard import Granted, MayReadSome
from voxlake.api.http.answers.cutout import CutoutReading, CutoutResponse
from voxlake.api.http.answers.label_answers import mapping_header
from voxlake.api.http.answers.problems import BINARY, documented
from voxlake.api.http.requests.query import VoxelsQuery, parse_box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import LimitExceededError

router = APIRouter(prefix="/v2/datasets/{collection}/{experiment}/{dataset}", tags=["voxels"])

NAMES = ", ".join(f"`{each.name}`" for each in FORMATS)


@router.get(
    "/cutout",
    summary="Read the voxels of a box",
    response_class=Response,
    responses={
        200: {
            "description": "The voxels, C order, little-endian.",
            "content": {each.media_type: BINARY for each in FORMATS},
        },
        **documented(406, "No format satisfies `format` or `Accept`."),
        **documented(413, "The cutout is larger than the server allows."),
    },
)
async def get_cutout(
    granted: MayReadSome,
    asked: Annotated[VoxelsQuery, Query()],
    accept: Annotated[str | None, Header()] = None,
    form: Annotated[str | None, Query(alias="format", description=f"One of {NAMES}.")] = None,
) -> Response:
    """Return the voxels of a box of one level.

    Shape, data type and axes are in the `X-Voxlake-...` headers of the answer; with `bodies` the
    number of the mapping that was applied, too. Above level 0 they are the bodies of the
    supervoxels that the level has. With `filter` the labels that are not listed are 0; of bodies
    it lists bodies.
    """
    dataset = await data.open_dataset(granted)
    volume = await data.open_level(granted, dataset, asked.level)
    axes = dataset.multiscale.axis_names
    box = parse_box(asked.by_axis(), axes, volume.shape)
    await portions.check_box(granted, dataset, asked.level, box)
    voxels = await voxels_of(granted, volume, bodies=asked.bodies, labels=asked.labels)
    cutout = data.cutout_of(granted, dataset, asked.level, box, voxels.dtype)
    reading = CutoutReading(
        cutout,
        negotiate(form, accept, FORMATS, cutout),
        voxels.read,
        more_headers=mapping_header(voxels.mapping),
        copies=voxels.copies,
        decoding_bytes=volume.decoding_bytes(box),
        chunk=volume.chunk,
    )
    return answer(granted, reading)


def answer(granted: Granted[ReadVoxels], reading: CutoutReading) -> CutoutResponse:
    """Return the answer that carries a cutout; raise LimitExceededError if it is too large."""
    limit_bytes = granted.gateway.settings.cutout_limit_bytes
    if reading.size > limit_bytes:
        cutout = reading.cutout
        raise LimitExceededError(
            f"cutout {cutout.box} of level {cutout.level} has {reading.size} bytes and the "
            f"limit is {limit_bytes}; ask for a smaller box or a coarser level, or read the zarr "
            "directly"
        )
    return CutoutResponse(reading, granted.gateway.answers)
