"""Annotations: which ids are in a box, where one is, and ids for new ones."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Request
from fastapi.responses import Response

from voxlake.api.data.framed import FrameBox, box_of_label, ids_in, open_framed
from voxlake.api.data.labels import labels as label_data
from voxlake.api.guards.datasets import Granted, MayAddVoxels, MayReadVoxels
from voxlake.api.places.channels import recent_frame_of
from voxlake.api.v1.routers import FORMS, boss_router, refusal
from voxlake.api.v1.voxels.boxes import InFrame, InTime, Resolution
from voxlake.documents.bossdb.resources import CUBOID, BossBoundingBox, BossIds, BossReserved
from voxlake.ngff.grid.box import Box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import NotFoundError

router = boss_router("")

IDS = "/ids/{collection}/{experiment}/{dataset}/{resolution}/{x}/{y}/{z}"
NO_OBJECT = 4004
OneId = Annotated[int, Path(ge=1, lt=2**64, description="Any id but 0.")]


@router.get(IDS, summary="List the ids in a box", responses=FORMS)
async def get_ids(granted: MayReadVoxels, box: InFrame) -> BossIds:
    """Return the ids that have voxels in a box of any level, at the first time point."""
    return await _ids(granted, box)


@router.get(f"{IDS}/{{t}}", summary="List the ids in a box in time", responses=FORMS)
async def get_ids_in_time(granted: MayReadVoxels, box: InTime) -> BossIds:
    """Return the ids that have voxels in a box of any level, at some time points."""
    return await _ids(granted, box)


@router.get(
    "/boundingbox/{collection}/{experiment}/{dataset}/{resolution}/{label}",
    summary="Locate an id",
    response_model=BossBoundingBox,
)
async def get_bounding_box(
    request: Request,
    granted: MayReadVoxels,
    resolution: Resolution,
    label: OneId,
    kind: Annotated[
        Literal["loose", "tight"],
        Query(alias="type", description="`loose` is grown to bossDB's blocks."),
    ] = "loose",
) -> BossBoundingBox | Response:
    """Return the box around an id at all time points, exact if it is to be tight."""
    try:
        box, times = await box_of_label(granted, label, resolution, await recent_frame_of(granted))
    except NotFoundError as error:
        return refusal(request, error, NO_OBJECT)
    z, y, x = _ranges(box.aligned(CUBOID[::-1]) if kind == "loose" else box)
    return BossBoundingBox(x_range=x, y_range=y, z_range=z, t_range=times)


@router.get("/reserve/{collection}/{experiment}/{dataset}/{count}", summary="Reserve ids")
async def reserve(
    granted: MayAddVoxels, count: Annotated[int, Path(ge=1, lt=2**64)]
) -> BossReserved:
    """Return ids in a row that nothing has, and that nobody else is ever given."""
    block = await label_data.reserve(granted, count)
    return BossReserved(start_id=block.start, count=str(count))


async def _ids(granted: Granted[ReadVoxels], box: FrameBox) -> BossIds:
    framed = await open_framed(granted, box, await recent_frame_of(granted))
    return BossIds(ids=(await ids_in(granted, framed)).tolist())


def _ranges(box: Box) -> list[tuple[int, int]]:
    return list(zip(box.start, box.stop, strict=True))
