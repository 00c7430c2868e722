"""Cutouts: the voxels of a box, in the format that the client asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from voxlake.api import data
from voxlake.api.cutout import Cutout, CutoutResponse
from voxlake.api.formats import FORMATS, negotiate
from voxlake.api.formats.negotiate import Wish
from voxlake.api.gateway import gateway_of
from voxlake.api.guard import Granted, requires
from voxlake.api.problems import documented
from voxlake.api.query import Ranges, parse_box
from voxlake.platform.access import Permission
from voxlake.platform.errors import LimitExceededError

router = APIRouter(prefix="/v2/datasets/{collection}/{experiment}/{dataset}", tags=["voxels"])

BINARY = {each.media_type: {"schema": {"type": "string", "format": "binary"}} for each in FORMATS}
NAMES = ", ".join(f"`{each.name}`" for each in FORMATS)


@router.get(
    "/cutout",
    summary="Read the voxels of a box",
    response_class=Response,
    responses={
        200: {"description": "The voxels, C order, little-endian.", "content": BINARY},
        **documented(406, "No format satisfies `format` or `Accept`."),
        **documented(413, "The cutout is larger than the server allows."),
    },
)
async def get_cutout(
    request: Request,
    granted: Annotated[Granted, Depends(requires(Permission.READ_VOLUMETRIC_DATA))],
    ranges: Annotated[Ranges, Query()],
    accept: Annotated[str | None, Header()] = None,
    level: Annotated[int, Query(ge=0, description="0 is the finest.")] = 0,
    form: Annotated[str | None, Query(alias="format", description=f"One of {NAMES}.")] = None,
) -> Response:
    """Return the voxels of a box of one level.

    Shape, data type and axes are in the `X-Voxlake-...` headers of the answer.
    """
    dataset = await data.open_dataset(granted)
    volume = await data.open_volume(granted, level)
    axes = dataset.multiscale.axis_names
    box = parse_box(ranges.by_axis(), axes, volume.shape)
    chosen = negotiate(Wish(form, accept), FORMATS, volume.dtype, box.ndim)
    cutout = Cutout(volume, box, axes, level, chosen)
    gateway = gateway_of(request.scope)
    check_size(cutout, gateway.settings.cutout_limit_bytes)
    return CutoutResponse(cutout, gateway.cutouts)


def check_size(cutout: Cutout, limit_bytes: int) -> None:
    """Raise LimitExceededError if the body would be larger than the limit."""
    if cutout.size > limit_bytes:
        raise LimitExceededError(
            f"cutout {cutout.box} of level {cutout.level} has {cutout.size} bytes and the limit is "
            f"{limit_bytes}; ask for a smaller box or a coarser level, or read the zarr directly"
        )
