"""Changes of the graph: merges, splits, and taking them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends

from voxlake.api.data.labels import graphs
from voxlake.api.data.labels.graphs import Edit
from voxlake.api.data.labels.supervoxels import supervoxels_at
from voxlake.api.graphene.tables import (
    GRAPH_ERROR,
    REFUSALS,
    AsText,
    MayChangeTable,
    MayReadTable,
    Priority,
    written,
)
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.requests.intake import JsonBody
from voxlake.documents.viewer.graphene import (
    Chosen,
    EditDocument,
    MergeAsked,
    OperationAsked,
    PreviewDocument,
    SplitAsked,
)
from voxlake.platform.access import ReadVoxels

router = APIRouter(
    prefix="/segmentation/api/v1/table/{table}",
    tags=["graphene"],
    responses={
        **REFUSALS,
        403: {"description": "Reading is allowed, and this is not.", "content": GRAPH_ERROR},
        409: {"description": "Somebody was here before.", "content": GRAPH_ERROR},
    },
)


def take_priority(priority: Priority = None) -> None:
    """Take what clients send of how urgent a change is: it makes no difference here."""
    del priority


TAKES_PRIORITY = Depends(take_priority)


@router.post("/merge", summary="Merge the bodies of two supervoxels", dependencies=[TAKES_PRIORITY])
async def merge(
    granted: MayChangeTable,
    asked: Annotated[MergeAsked, Depends(JsonBody(MergeAsked))],
    *,
    as_text: AsText = False,
) -> EditDocument:
    """Merge two bodies, and return their root from here on."""
    nodes = [node for node, *_ in asked.root]
    return _document(await graphs.merge(granted, nodes), as_text=as_text)


@router.post("/split", summary="Split a body by supervoxels", dependencies=[TAKES_PRIORITY])
async def split(
    read: MayReadTable,
    granted: MayChangeTable,
    asked: Annotated[SplitAsked, Depends(JsonBody(SplitAsked))],
    *,
    as_text: AsText = False,
) -> EditDocument:
    """Make the supervoxels of `sinks` a body of their own, and no others.

    All that is not named stays with `sources`: nobody knows here which supervoxels touch. A root
    with a point stands for the supervoxel there.
    """
    return _document(await graphs.split(granted, *await _sides(read, asked)), as_text=as_text)


@router.post("/graph/split_preview", summary="Tell what a split would do")
async def split_preview(
    granted: MayReadTable,
    asked: Annotated[SplitAsked, Depends(JsonBody(SplitAsked))],
    *,
    as_text: AsText = False,
) -> PreviewDocument:
    """Return the supervoxels that would stay with `sources`, and those that would be parted."""
    parts = await graphs.preview_split(granted, *await _sides(granted, asked))
    return PreviewDocument(
        supervoxel_connected_components=tuple(written(part, as_text=as_text) for part in parts),
        illegal_split=False,
    )


@router.post("/undo", summary="Undo a change", dependencies=[TAKES_PRIORITY])
async def undo(
    granted: MayChangeTable,
    asked: Annotated[OperationAsked, Depends(JsonBody(OperationAsked))],
    *,
    as_text: AsText = False,
) -> EditDocument:
    """Take back one change, by another one: those that others made elsewhere since stay."""
    return _document(await graphs.undo(granted, asked.operation_id), as_text=as_text)


@router.post("/redo", summary="Redo a change that was undone", dependencies=[TAKES_PRIORITY])
async def redo(
    granted: MayChangeTable,
    asked: Annotated[OperationAsked, Depends(JsonBody(OperationAsked))],
    *,
    as_text: AsText = False,
) -> EditDocument:
    """Do once more what a change did, if its bodies are as they were before it."""
    return _document(await graphs.redo(granted, asked.operation_id), as_text=as_text)


def _document(edit: Edit, *, as_text: bool) -> EditDocument:
    roots = written(edit.roots, as_text=as_text)
    return EditDocument(operation_id=edit.number, new_root_ids=roots)


async def _sides(granted: Granted[ReadVoxels], asked: SplitAsked) -> tuple[list[int], list[int]]:
    """Return the supervoxels that stay, and those that are parted from them."""
    return await _supervoxels(granted, asked.sources), await _supervoxels(granted, asked.sinks)


async def _supervoxels(granted: Granted[ReadVoxels], chosen: Sequence[Chosen]) -> list[int]:
    """Return the supervoxels that are chosen; of roots those at the points."""
    nodes = [node for node, *_ in chosen]
    pointed = [place for place, node in enumerate(nodes) if node > graphs.LAST_SUPERVOXEL]
    if not pointed:
        return nodes
    points = [chosen[place][1:] for place in pointed]
    for place, found in zip(pointed, await supervoxels_at(granted, points), strict=True):
        nodes[place] = found
    return nodes
