"""What a table is, and its supervoxels: the labels as they lie, with the layer in their ids."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from voxlake.api.data.labels import supervoxels as data
from voxlake.api.data.labels.supervoxels import SupervoxelLevel
from voxlake.api.graphene.bounds import PATTERN
from voxlake.api.graphene.tables import REFUSALS, MayReadTable
from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import BINARY
from voxlake.api.views.precomputed import ChunkRequest, coding_for, get_chunk
from voxlake.api.views.precomputed_info import volume_info
from voxlake.documents.viewer.graphene import GraphDocument, GraphInfo
from voxlake.documents.viewer.precomputed import VolumeInfo
from voxlake.platform.errors import NotFoundError, OutOfBoundsError

router = APIRouter(prefix="/segmentation", tags=["graphene"], responses=REFUSALS)


@router.get("/api/versions", summary="List the versions of the API", dependencies=[Depends(public)])
async def get_versions() -> tuple[int, ...]:
    """Return the versions of PyChunkedGraph's API that are spoken."""
    return (0, 1)


@router.get("/table/{table}/info", summary="Describe a graph", response_model_exclude_none=True)
async def get_info(request: Request, granted: MayReadTable, table: str) -> GraphInfo:
    """Return what viewers ask first of a source ``graphene://.../segmentation/table/TABLE``."""
    levels = await data.supervoxel_levels(granted)
    return GraphInfo(
        **_volume(levels).model_dump(by_alias=True),
        data_dir=f"{_scheme(request)}{request.base_url}segmentation/table/{table}/supervoxels",
        graph=GraphDocument(
            chunk_size=levels[0].scale.xyz(levels[0].volume.shard),
            n_bits_for_layer_id=data.LAYER_BITS,
            n_layers=data.LAYERS,
            spatial_bit_masks=dict.fromkeys(("1", "2", "3"), 0),
        ),
    )


@router.get(
    "/table/{table}/supervoxels/info",
    summary="Describe the supervoxels",
    response_model_exclude_none=True,
)
async def get_supervoxels_info(granted: MayReadTable) -> VolumeInfo:
    """Return the description of the precomputed volume that the graph is over."""
    return _volume(await data.supervoxel_levels(granted))


@router.get(
    "/table/{table}/supervoxels/{level}/{chunk}",
    summary="Read a chunk of supervoxels",
    response_class=Response,
    responses={
        200: {
            "description": "uint64, little-endian, x fastest.",
            "content": {"application/octet-stream": BINARY},
        }
    },
)
async def get_supervoxels(
    request: Request,
    granted: MayReadTable,
    level: Annotated[int, Path(ge=0, le=1000)],
    chunk: Annotated[str, Path(pattern=PATTERN, description="x0-x1_y0-y1_z0-z1")],
) -> Response:
    """Return the ids of the supervoxels of a chunk: of labels, with layer 1 in the highest byte."""
    try:
        volume = await data.supervoxel_level(granted, level)
        box = volume.scale.box_named(chunk)
    except OutOfBoundsError as error:
        raise NotFoundError(f"level {level} has no chunk {chunk}; see its info") from error
    asked = request.scope
    return await get_chunk(ChunkRequest(asked, granted, volume, box, "raw", coding_for(asked)))


def _scheme(request: Request) -> str:
    """Return what has a viewer of another server send its token for the supervoxels, too."""
    is_page = "sec-fetch-mode" in request.headers or "origin" in request.headers
    signs_in = is_page and "authorization" in request.headers and request.url.scheme == "https"
    return "middleauth+" if signs_in else ""


def _volume(levels: list[SupervoxelLevel]) -> VolumeInfo:
    scales = [level.scale for level in levels]
    return volume_info(scales, levels[0].dtype, "raw", labels=True)
