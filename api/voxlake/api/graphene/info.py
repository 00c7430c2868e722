"""What a table is, and its supervoxels: the labels as they lie, with the layer in their ids."""

from __future__ import annotations

import zlib
from typing import Annotated

import numpy as np
import numpy.typing as npt
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from starlette.datastructures import Headers

from voxlake.api.data import supervoxels as data
from voxlake.api.data.supervoxels import SupervoxelLevel
from voxlake.api.graphene.bounds import parse_bounds
from voxlake.api.graphene.tables import REFUSALS, MayReadTable
from voxlake.api.guard import public
from voxlake.api.http.answers.problems import BINARY
from voxlake.documents.graphene import GraphDocument, GraphInfo, ScaleDocument, VolumeInfo
from voxlake.ngff.grid.box import Box, cell_box
from voxlake.platform.errors import NotFoundError

router = APIRouter(prefix="/segmentation", tags=["graphene"], responses=REFUSALS)

CACHED = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding, Authorization, Cookie"}


@router.get("/api/versions", summary="List the versions of the API", dependencies=[Depends(public)])
async def get_versions() -> tuple[int, ...]:
    """Return the versions of PyChunkedGraph's API that are spoken."""
    return (0, 1)


@router.get("/table/{table}/info", summary="Describe a graph")
async def get_info(request: Request, granted: MayReadTable, table: str) -> GraphInfo:
    """Return what viewers ask first of a source ``graphene://.../segmentation/table/TABLE``."""
    levels = await data.supervoxel_levels(granted)
    return GraphInfo(
        scales=_scales(levels),
        data_dir=f"{_scheme(request)}{request.base_url}segmentation/table/{table}/supervoxels",
        graph=GraphDocument(
            chunk_size=levels[0].shard[::-1],
            n_bits_for_layer_id=data.LAYER_BITS,
            n_layers=data.LAYERS,
            spatial_bit_masks=dict.fromkeys(("1", "2", "3"), 0),
        ),
    )


@router.get("/table/{table}/supervoxels/info", summary="Describe the supervoxels")
async def get_supervoxels_info(granted: MayReadTable) -> VolumeInfo:
    """Return the description of the precomputed volume that the graph is over."""
    return VolumeInfo(scales=_scales(await data.supervoxel_levels(granted)))


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
    chunk: Annotated[str, Path(pattern="^[0-9_-]{11,120}$", description="x0-x1_y0-y1_z0-z1")],
) -> Response:
    """Return the ids of the supervoxels of a chunk: of labels, with layer 1 in the highest byte."""
    levels, box = await data.supervoxel_levels(granted), parse_bounds(chunk)
    if level >= len(levels) or box not in _chunk_at(levels[level], box.start):
        raise NotFoundError(f"level {level} has no chunk {chunk}; see its info")
    # Read, as ids, and compressed.
    async with granted.gateway.answers.hold(3 * 8 * box.size):
        ids = await data.read_supervoxels(granted, level, box)
        coding, body = await to_thread.run_sync(_encode, ids, _coding(request.headers))
    headers = CACHED | ({"Content-Encoding": coding} if coding else {})
    return Response(body, headers=headers, media_type="application/octet-stream")


def _scheme(request: Request) -> str:
    """Return what has a viewer of another server send its token for the supervoxels, too."""
    is_page = "sec-fetch-mode" in request.headers or "origin" in request.headers
    signs_in = is_page and "authorization" in request.headers and request.url.scheme == "https"
    return "middleauth+" if signs_in else ""


def _scales(levels: list[SupervoxelLevel]) -> tuple[ScaleDocument, ...]:
    return tuple(
        ScaleDocument(
            key=str(number),
            size=level.shape[::-1],
            resolution=level.voxel_size[::-1],
            chunk_sizes=(level.chunk[::-1],),
        )
        for number, level in enumerate(levels)
    )


def _chunk_at(level: SupervoxelLevel, start: tuple[int, ...]) -> tuple[Box, ...]:
    """Return the chunk that begins at a voxel, clipped to the volume; none if none does."""
    cell = tuple(lo // step for lo, step in zip(start, level.chunk, strict=True))
    chunk = cell_box(cell, level.chunk) & Box.of_shape(level.shape)
    return () if chunk.is_empty else (chunk,)


def _coding(headers: Headers) -> str | None:
    """Return the best way to compress an answer that a client takes."""
    offered = {
        each.partition(";")[0].strip() for each in headers.get("accept-encoding", "").split(",")
    }
    return next((coding for coding in ("zstd", "gzip") if coding in offered), None)


def _encode(ids: npt.NDArray[np.uint64], coding: str | None) -> tuple[str | None, bytes]:
    body = ids.astype("<u8", copy=False).tobytes()
    if coding == "zstd":
        from numcodecs import zstd

        return coding, bytes(zstd.compress(body, 1))
    if coding == "gzip":
        packer = zlib.compressobj(1, wbits=31)
        return coding, packer.compress(body) + packer.flush()
    return None, body
