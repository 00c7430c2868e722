"""The log of a graph: what made a root what it is, and what each change did."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from voxlake.api.data.labels import graphs
from voxlake.api.graphene.tables import REFUSALS, AsText, MayReadTable, Moment, Node, written
from voxlake.api.http.requests.intake import JsonBody
from voxlake.documents.labels.merges import change_document
from voxlake.documents.viewer.graphene import (
    ChangeLogDocument,
    EditsOfUser,
    LineageDocument,
    LineageLink,
    LineageNode,
    NodesAsked,
    OldestDocument,
    OperationDocument,
    RootsAsked,
    TimestampsDocument,
)
from voxlake.platform.errors import InvalidInputError

router = APIRouter(
    prefix="/segmentation/api/v1/table/{table}", tags=["graphene"], responses=REFUSALS
)
KINDS = {"merge": "merge", "cleave": "split", "replace": "replace"}
"""Our words for changes, and PyChunkedGraph's."""
Filtered = Annotated[bool, Query(description="Taken: all that became part of it is told.")]
Cutoff = Annotated[float | None, Query(description="In seconds since 1970.")]


@router.get("/root/{node}/change_log", summary="Tell what made a root")
async def get_change_log(
    granted: MayReadTable, node: Node, *, as_text: AsText = False, filtered: Filtered = True
) -> ChangeLogDocument:
    """Return which changes made a root what it is, and how many each user made."""
    del filtered
    graph = await graphs.open_graph(granted)
    past = graphs.trace_back(graph, node)
    entries = [graphs.entry_of(graph, number) for number in past.changes]
    edits = Counter((entry.by, KINDS[entry.operation.kind]) for entry in entries)
    users = dict.fromkeys(entry.by for entry in entries)
    return ChangeLogDocument(
        n_merges=sum(count for (_, kind), count in edits.items() if kind == "merge"),
        n_splits=sum(count for (_, kind), count in edits.items() if kind == "split"),
        operations_ids=tuple(past.changes),
        past_ids=written(sorted(past.roots.keys() - {node}), as_text=as_text),
        user_info={
            user: EditsOfUser(n_merges=edits[user, "merge"], n_splits=edits[user, "split"])
            for user in users
        },
    )


@router.get("/operation_details", summary="Tell what changes did")
async def get_operation_details(
    granted: MayReadTable,
    operation_ids: Annotated[
        str, Query(pattern=r"^\[[0-9, ]{0,20000}\]$", description="Numbers, in brackets.")
    ],
    *,
    as_text: AsText = False,
) -> dict[str, OperationDocument]:
    """Return changes by their numbers."""
    try:
        numbers = json.loads(operation_ids)
    except ValueError as error:
        raise InvalidInputError(
            f"{operation_ids[:100]!r} is no list; write numbers as in [1, 2]"
        ) from error
    graph = await graphs.open_graph(granted)
    told = {}
    for number in numbers:
        change = change_document(graphs.entry_of(graph, number))
        told[str(number)] = OperationDocument(
            operation=KINDS[change.kind],
            timestamp=change.at.isoformat(),
            user=change.by,
            roots=written(graphs.left_by(graph, number), as_text=as_text),
            labels=tuple(map(str, change.labels)),
        )
    return told


@router.post("/lineage_graph_multiple", summary="Tell which roots are related")
async def get_lineage_graph(
    granted: MayReadTable,
    asked: Annotated[RootsAsked, Depends(JsonBody(RootsAsked))],
    *,
    as_text: AsText = False,
    timestamp_past: Cutoff = None,
    timestamp_future: Cutoff = None,
    name: Annotated[
        str | None, Query(description="Taken: caveclient 8 sends it where no end is asked for.")
    ] = None,
) -> LineageDocument:
    """Return the roots that some roots came from or became between two moments."""
    del name
    graph = await graphs.open_graph(granted)
    lineage = graphs.trace(graph, asked.root_ids, timestamp_past, timestamp_future)
    ids = sorted(lineage.roots)
    links = [written(list(link), as_text=as_text) for link in sorted(lineage.links)]
    return LineageDocument(
        nodes=tuple(
            LineageNode(
                id=shown,
                timestamp=graphs.made_at(granted, graph, lineage.roots[node]),
                operation_id=lineage.roots[node].change,
            )
            for node, shown in zip(ids, written(ids, as_text=as_text), strict=True)
        ),
        links=tuple(LineageLink(source=older, target=newer) for older, newer in links),
    )


@router.post("/root_timestamps", summary="Tell when roots were made")
async def get_root_timestamps(
    granted: MayReadTable,
    asked: Annotated[NodesAsked, Depends(JsonBody(NodesAsked))],
    *,
    latest: Annotated[bool, Query(description="Tell when each was there last.")] = False,
    timestamp: Moment = None,
) -> TimestampsDocument:
    """Return when each root was made, or with `latest` when it was there last, in their order."""
    graph = await graphs.open_graph(granted, timestamp)
    roots = map(graph.find, asked.node_ids)
    if latest:
        moment = time.time() if timestamp is None else timestamp
        ends = (graphs.last_moment(graph, root) for root in roots)
        return TimestampsDocument(timestamp=tuple(moment if end is None else end for end in ends))
    return TimestampsDocument(timestamp=tuple(graphs.made_at(granted, graph, one) for one in roots))


@router.get("/oldest_timestamp", summary="Tell when the graph began")
async def get_oldest_timestamp(granted: MayReadTable) -> OldestDocument:
    """Return when the labels were made: there is no graph before."""
    moment = granted.record.created_at
    return OldestDocument(iso=moment.isoformat(), epoch=moment.timestamp())
