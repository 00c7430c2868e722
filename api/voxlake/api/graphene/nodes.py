"""Nodes of the graph: the roots of supervoxels, and the supervoxels of roots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from voxlake.api.data.labels import graphs
from voxlake.api.data.labels.supervoxels import supervoxel_level
from voxlake.api.graphene.bounds import Bounds, parse_bounds
from voxlake.api.graphene.tables import REFUSALS, AsText, MayReadTable, Moment, Node, written
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.answers.problems import BINARY
from voxlake.api.http.requests.bytes_body import check_coding
from voxlake.api.http.requests.intake import JsonBody
from voxlake.documents.viewer.graphene import (
    ChildrenDocument,
    LatestDocument,
    LeavesDocument,
    NodesAsked,
    RootDocument,
    RootsDocument,
)
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import InvalidInputError, LimitExceededError

router = APIRouter(
    prefix="/segmentation/api/v1/table/{table}", tags=["graphene"], responses=REFUSALS
)

MOST_BINARY = 1_000_000
"""Supervoxels of one question in binary form."""
_IDS = {"application/octet-stream": BINARY}


@router.get("/node/{node}/root", summary="Tell the root of a supervoxel")
async def get_root(
    granted: MayReadTable, node: Node, *, as_text: AsText = False, timestamp: Moment = None
) -> RootDocument:
    """Return the root that a supervoxel belongs to; 0 if it is background."""
    [root] = await _roots(granted, [node], timestamp)
    return RootDocument(root_id=written([root], as_text=as_text)[0])


@router.post("/roots", summary="Tell the roots of supervoxels")
async def get_roots(
    granted: MayReadTable,
    asked: Annotated[NodesAsked, Depends(JsonBody(NodesAsked))],
    *,
    as_text: AsText = False,
    timestamp: Moment = None,
) -> RootsDocument:
    """Return the roots that supervoxels belong to, in their order; 0 of background."""
    roots = await _roots(granted, asked.node_ids, timestamp)
    return RootsDocument(root_ids=written(roots, as_text=as_text))


@router.post(
    "/roots_binary",
    summary="Tell the roots of supervoxels in binary form",
    response_class=Response,
    responses={200: {"description": "As many, uint64 little-endian.", "content": _IDS}},
    openapi_extra={"requestBody": {"required": True, "content": _IDS}},
)
async def get_roots_binary(
    request: Request, granted: MayReadTable, timestamp: Moment = None
) -> Response:
    """Return the roots of supervoxels, both as uint64 little-endian; 0 of background."""
    check_coding(request)
    body = await request.body()
    if len(body) % 8:
        raise InvalidInputError(f"the body has {len(body)} bytes; send ids of 8 bytes each")
    nodes = np.frombuffer(body, "<u8")
    if len(nodes) > MOST_BINARY:
        raise LimitExceededError(f"{len(nodes)} ids were sent; ask for {MOST_BINARY} at a time")
    graph = await graphs.open_graph(granted, timestamp)
    roots = graph.roots_of(nodes.astype(np.uint64, copy=False))
    return Response(
        roots.astype("<u8", copy=False).tobytes(), media_type="application/octet-stream"
    )


@router.get("/node/{node}/leaves", summary="List the supervoxels of a root")
async def get_leaves(
    granted: MayReadTable,
    node: Node,
    bounds: Bounds = None,
    *,
    as_text: AsText = False,
    timestamp: Moment = None,
) -> LeavesDocument:
    """Return the supervoxels of a root as it was, ascending."""
    leaves = await _leaves(granted, [node], bounds, timestamp)
    return LeavesDocument(leaf_ids=written(leaves[node], as_text=as_text))


@router.post("/node/leaves_many", summary="List the supervoxels of roots")
async def get_leaves_many(
    granted: MayReadTable,
    asked: Annotated[NodesAsked, Depends(JsonBody(NodesAsked))],
    bounds: Bounds = None,
    *,
    as_text: AsText = False,
    timestamp: Moment = None,
) -> dict[str, tuple[int | str, ...]]:
    """Return the supervoxels of some roots, by the roots."""
    leaves = await _leaves(granted, asked.node_ids, bounds, timestamp)
    return {str(node): written(found, as_text=as_text) for node, found in leaves.items()}


@router.get("/node/{node}/children", summary="List what a root is made of")
async def get_children(
    granted: MayReadTable, node: Node, *, as_text: AsText = False
) -> ChildrenDocument:
    """Return the supervoxels of a root: there is nothing between."""
    leaves = await _leaves(granted, [node], None, None)
    return ChildrenDocument(children_ids=written(leaves[node], as_text=as_text))


@router.post("/is_latest_roots", summary="Tell which roots are over")
async def is_latest_roots(
    granted: MayReadTable,
    asked: Annotated[NodesAsked, Depends(JsonBody(NodesAsked))],
    timestamp: Moment = None,
) -> LatestDocument:
    """Return whether each root is there and not over."""
    graph = await graphs.open_graph(granted, timestamp)
    return LatestDocument(is_latest=tuple(map(graph.is_latest, asked.node_ids)))


async def _roots(
    granted: Granted[ReadVoxels], nodes: Sequence[int], timestamp: float | None
) -> list[int]:
    graph = await graphs.open_graph(granted, timestamp)
    roots: list[int] = graph.roots_of(np.array(nodes, np.uint64)).tolist()
    return roots


async def _leaves(
    granted: Granted[ReadVoxels], nodes: Sequence[int], bounds: str | None, timestamp: float | None
) -> dict[int, list[int]]:
    graph, box = await graphs.open_graph(granted, timestamp), None
    if bounds is not None:
        box = parse_bounds(bounds) & (await supervoxel_level(granted, 0)).volume.box
    found = await graphs.list_leaves(granted, graph, nodes, box)
    return {node: leaves.tolist() for node, leaves in found.items()}
