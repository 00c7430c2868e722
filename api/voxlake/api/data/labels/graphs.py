"""Labels as a graph of supervoxels and roots: as `data`, each function demands the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data.labels.labels import change, labels_in_box, reserve
from voxlake.api.data.labels.mappings import mapping_at, newest_mapping
from voxlake.api.data.opened import index_url, opened_labels
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.again import read_again
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels import merges
from voxlake.ngff.labels.mapping import changes, undoing
from voxlake.ngff.labels.mapping.history import History
from voxlake.ngff.labels.mapping.lineage import Lineage, lineage_of
from voxlake.ngff.labels.mapping.log import Cleave, Entry, Merge
from voxlake.ngff.labels.mapping.mapping import supervoxels_of
from voxlake.ngff.labels.mapping.roots import (
    ID_BITS,
    LIMIT,
    SUPERVOXELS,
    Graph,
    Root,
    node_id,
    root_of,
    roots_left_by,
)
from voxlake.ngff.memory.cache import Cached
from voxlake.platform.access import AddVoxels, ReadVoxels
from voxlake.platform.errors import (
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    UnsupportedError,
)

LAST_SUPERVOXEL = ((SUPERVOXELS + 1) << ID_BITS) - 1
"""Ids above it are of roots."""
MAX_LEAVES = 1_000_000
"""Supervoxels of one root that are listed."""
ENTRY_BYTES = 2000
"""Memory that an entry of a log takes, about."""

_histories = Cached[History]("histories of mappings")


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change of the graph did."""

    number: int
    """Of its entry in the log."""
    roots: list[int]
    """That it made."""


async def open_graph(
    granted: Granted[ReadVoxels] | Granted[AddVoxels], moment: float | None = None
) -> Graph:
    """Return the graph as of now, or as of a moment, in seconds since 1970.

    Raises
    ------
    InvalidInputError
        If that is no moment.
    """
    url = await index_url(granted)
    mapping = await newest_mapping(granted.record, url)
    key = url, granted.record
    history = _histories.peek(key) or History()
    read = partial(history.read_to, url / "mapping", mapping.number)
    await read_again(partial(to_thread.run_sync, read))
    _histories.put(key, history, ENTRY_BYTES * len(history.entries))
    if moment is not None:
        number = min(history.number_at(_moment(moment)), mapping.number)
        mapping = await mapping_at(granted.record, url, mapping, number)
    return Graph(mapping, history)


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise InvalidInputError(
            f"{seconds} is no moment; give seconds since 1970, as `date +%s` does"
        ) from error


async def ids_of(granted: Granted[ReadVoxels], label: int) -> tuple[int, int]:
    """Return the ids of the supervoxel that a label is, and of its root as of now."""
    supervoxel = node_id(SUPERVOXELS, label)
    graph = await open_graph(granted)
    return supervoxel, int(graph.roots_of(np.array([supervoxel], np.uint64))[0])


async def list_leaves(
    granted: Granted[ReadVoxels], graph: Graph, nodes: Sequence[int], box: Box | None
) -> dict[int, npt.NDArray[np.uint64]]:
    """Return the ids of the supervoxels of each root, ascending: all, or with voxels in a box.

    Raises
    ------
    NotFoundError
        If there is no such root.
    LimitExceededError
        If they are more than `MAX_LEAVES` of one.
    """
    if not nodes:
        return {}
    members = {node: await _members(granted, graph, node) for node in nodes}
    there = await _there(granted, members.values(), box)
    return {
        node: np.intersect1d(there, each, assume_unique=True) | np.uint64(SUPERVOXELS << ID_BITS)
        for node, each in members.items()
    }


async def _there(
    granted: Granted[ReadVoxels], members: Iterable[npt.NDArray[np.uint64]], box: Box | None
) -> npt.NDArray[np.uint64]:
    """Return the labels that a box has, or those of the `members` that any voxel has."""
    if box is not None:
        inside, *_ = await labels_in_box(granted, box, (0, None), counts=False)
        return inside.labels
    labels, asked = await opened_labels(granted), np.concatenate([*members])
    find = partial(labels.ask, lambda view: view.find(asked).labels)
    return await granted.gateway.questions.ask(find)


async def _members(granted: Granted[ReadVoxels], graph: Graph, node: int) -> npt.NDArray[np.uint64]:
    """Return the labels of the supervoxels of a root, as it was; of a supervoxel its own."""
    layer, label = divmod(node, LIMIT)
    if layer == SUPERVOXELS:
        return np.array([label], np.uint64)
    root = graph.find(node)
    url = await index_url(granted)
    mapping = await mapping_at(granted.record, url, graph.mapping, root.number)
    members = supervoxels_of(mapping, root.body)
    if len(members) > MAX_LEAVES:
        raise LimitExceededError(
            f"{node} has {len(members)} supervoxels, and {MAX_LEAVES} are listed; read the mapping "
            "from the store"
        )
    # A body may have the number of a label that has no id, and of which nothing is shown.
    return members[members < LIMIT]


def trace_back(graph: Graph, node: int) -> Lineage:
    """Return all that a root came from."""
    return lineage_of(graph, [node], 1, graph.number, past_alone=True)


def trace(graph: Graph, nodes: Sequence[int], past: float | None, future: float | None) -> Lineage:
    """Return the lineage of roots between two moments, in seconds since 1970."""
    history = graph.history
    first = 1 if past is None else history.number_at(_moment(past)) + 1
    last = graph.number if future is None else history.number_at(_moment(future))
    return lineage_of(graph, nodes, first, last)


async def merge(granted: Granted[AddVoxels], nodes: Sequence[int]) -> Edit:
    """Merge the bodies of supervoxels or roots into that of the first.

    Raises
    ------
    InvalidInputError
        If they are of one body already.
    ConflictError
        If a root is over.
    NotFoundError
        If there is no such node.
    """
    graph = await open_graph(granted)
    bodies = list(dict.fromkeys(map(graph.body_of, nodes)))
    if len(bodies) < 2:
        raise InvalidInputError(f"{nodes[0]} and {nodes[-1]} are of one body already")
    labels = await opened_labels(granted)
    entry = await change(granted, merges.merge, labels, bodies, granted.asker)
    return await _edit(granted, entry)


def _parted(graph: Graph, sources: Sequence[int], sinks: Sequence[int]) -> tuple[int, list[int]]:
    """Return the body of supervoxels, and the labels of `sinks`, which can be parted from others.

    Raises
    ------
    InvalidInputError
        If they cannot.
    """
    both = set(sources) & set(sinks)
    bodies = {graph.body_of(node) for node in (*sources, *sinks)}
    if both or len(bodies) > 1:
        what = (
            f"supervoxel {min(both)} is chosen for both sides"
            if both
            else f"the supervoxels are of the bodies {', '.join(map(str, sorted(bodies)))}"
        )
        raise InvalidInputError(f"{what}; choose different supervoxels of one body")
    return bodies.pop(), sorted({node % LIMIT for node in sinks})


async def preview_split(
    granted: Granted[ReadVoxels], sources: Sequence[int], sinks: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the supervoxels that `split` would leave, and those that it would take out."""
    graph = await open_graph(granted)
    body, _ = _parted(graph, sources, sinks)
    root = root_of(graph.history, graph.number, body)
    leaves = set((await list_leaves(granted, graph, [root], None))[root].tolist())
    return sorted(leaves - set(sinks)), sorted(leaves & set(sinks))


async def split(granted: Granted[AddVoxels], sources: Sequence[int], sinks: Sequence[int]) -> Edit:
    """Make the supervoxels `sinks` a body of their own; all others of their body stay with it.

    Nobody knows which supervoxels touch, so none is moved that is not named.

    Raises
    ------
    InvalidInputError
        If a supervoxel is a source and a sink, or they are not all of one body.
    NotFoundError
        If there is no such supervoxel.
    """
    graph = await open_graph(granted)
    body, taken = _parted(graph, sources, sinks)
    labels, into = await opened_labels(granted), None
    if changes.free_number(graph.mapping, taken) is None:
        [into] = await reserve(granted, 1)
    entry = await change(granted, merges.cleave, labels, body, taken, into, granted.asker)
    return await _edit(granted, entry)


async def undo(granted: Granted[AddVoxels], number: int) -> Edit:
    """Take back the change of a number. Raises as `undoing.undo`."""
    entry = await change(granted, undoing.undo, await index_url(granted), number, granted.asker)
    return await _edit(granted, entry)


async def redo(granted: Granted[AddVoxels], number: int) -> Edit:
    """Do once more what the change of a number did.

    Raises
    ------
    NotFoundError
        If there is no such change.
    UnsupportedError
        If it replaced the mapping.
    ConflictError
        If the bodies are not as they were before it.
    """
    graph = await open_graph(granted)
    url, by = await index_url(granted), granted.asker
    match entry_of(graph, number).operation:
        case Merge(into=into, bodies=bodies):
            entry = await change(granted, changes.merge, url, [into, *bodies], by)
        case Cleave(body=body, supervoxels=taken, into=into):
            entry = await change(granted, changes.cleave, url, body, taken, into, by)
        case _:
            raise UnsupportedError(
                f"change {number} replaced the mapping by a table; import the table once more"
            )
    return await _edit(granted, entry)


def made_at(granted: Granted[ReadVoxels], graph: Graph, root: Root) -> float:
    """Return when a root was made, in seconds since 1970: by a change, an import, or at first."""
    number = root.change or graph.history.last_import(root.number)
    moment = graph.history.entries[number - 1].at if number else granted.record.created_at
    return moment.timestamp()


def last_moment(graph: Graph, root: Root) -> float | None:
    """Return when a root was over, in seconds since 1970; None: it is the latest."""
    after = graph.history.changes(root.body, root.number, graph.number)
    end = min(filter(None, (*after[:1], graph.history.next_import(root.number))), default=None)
    return None if end is None else graph.history.entries[end - 1].at.timestamp()


def left_by(graph: Graph, number: int) -> list[int]:
    """Return the roots that the change of a number made."""
    return roots_left_by(graph.history, number)


def entry_of(graph: Graph, number: int) -> Entry:
    """Return the entry of a number; raise NotFoundError if there is none."""
    if not 0 < number <= graph.number:
        raise NotFoundError(f"the mapping has the changes 1 to {graph.number}, and none {number}")
    return graph.history.entries[number - 1]


async def _edit(granted: Granted[AddVoxels], entry: Entry) -> Edit:
    history = (await open_graph(granted)).history
    return Edit(entry.number, roots_left_by(history, entry.number))
