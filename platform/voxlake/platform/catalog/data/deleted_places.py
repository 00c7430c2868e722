"""Places that were deleted and can be brought back, as rows of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, and_, literal, null, select, tuple_

from voxlake.platform.access import Permission
from voxlake.platform.catalog.data.deletion import KIND
from voxlake.platform.catalog.data.node_records import path_at
from voxlake.platform.catalog.rights.grants import is_allowed
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import now
from voxlake.platform.jobs.record import UNFINISHED
from voxlake.platform.jobs.rows import decode
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.nodes.tree import KINDS, ROOT, collection, dataset, experiment, nodes

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.access import Principal


@dataclass(frozen=True, slots=True)
class DeletedPlace:
    """A dataset, experiment or collection that was deleted and can be brought back."""

    names: tuple[str, ...]
    """As it was called, from the collection down."""
    kind: str
    """collection, experiment, image or labels."""
    deleted_at: datetime
    purge_at: datetime
    """When it is deleted for good."""
    path: tuple[int, ...]
    """The ids of the nodes from the lake down to it."""
    job: str | None = None
    """Of a dataset: the job that deletes it from the store then."""
    with_it: tuple[int, ...] = ()
    """The nodes that were deleted with it, and come back with it."""

    @property
    def node(self) -> int:
        """Its id, by which it is asked for."""
        return self.path[-1]

    def __str__(self) -> str:
        return "/".join(self.names)


def _select(depth: int) -> Select[tuple[Any, ...]]:
    levels = (collection, experiment, dataset)[:depth]
    node, is_dataset = levels[-1], depth == len(KINDS)
    query = select(
        *(level.c.name.label(f"name_{number}") for number, level in enumerate(levels)),
        *(level.c.id.label(f"node_{number}") for number, level in enumerate(levels)),
        node.c.removed_at,
        node.c.purge_at,
        (datasets.c.kind if is_dataset else literal(KINDS[depth - 1])).label("kind"),
        (jobs.c.id if is_dataset else null()).label("job"),
        (jobs.c.spec if is_dataset else null()).label("spec"),
    ).select_from(collection)
    if depth > 1:
        query = query.join(experiment, experiment.c.parent == collection.c.id)
    if is_dataset:
        deletes = jobs.c.kind == KIND, jobs.c.state.in_(sorted(UNFINISHED))
        query = query.join(dataset, dataset.c.parent == experiment.c.id)
        query = query.join(datasets, datasets.c.node == dataset.c.id)
        query = query.join(jobs, and_(jobs.c.node == dataset.c.id, *deletes))
    query = query.where(collection.c.parent == ROOT, node.c.purge_at.is_not(None))
    return query.order_by(node.c.removed_at.desc(), node.c.id.desc())


DEPTHS = range(1, len(KINDS) + 1)
"""Of collections, of experiments, of datasets."""
_queries = {depth: _select(depth) for depth in DEPTHS}


def may_delete(principal: Principal, depth: int) -> ColumnElement[bool]:
    """Say of places of a depth that somebody may delete them."""
    return is_allowed(principal, Permission.DELETE, now(), path_at(depth))


def is_node(depth: int, number: int) -> ColumnElement[bool]:
    """Say that a place has a node."""
    return path_at(depth)[-1] == number


def after_place(depth: int, last: int | None) -> list[ColumnElement[bool]]:
    """Say that a place comes after another in the list."""
    if last is None:
        return []
    node = (collection, experiment, dataset)[depth - 1]
    moment = select(nodes.c.removed_at).where(nodes.c.id == last).scalar_subquery()
    return [tuple_(node.c.removed_at, node.c.id) < tuple_(moment, literal(last))]


def read_places(
    connection: Connection,
    depth: int,
    *which: ColumnElement[bool],
    limit: int | None = None,
    lock: bool = False,
) -> list[DeletedPlace]:
    """Return the places of a depth that all conditions hold of, the last deleted first.

    If they are locked, nobody else changes their nodes before the transaction ends.
    """
    query = _queries[depth].where(*which).limit(limit)
    if lock:
        query = query.with_for_update(of=(collection, experiment, dataset)[depth - 1])
    return [_place_of(connection, row, depth) for row in connection.execute(query)]


def _place_of(connection: Connection, row: Row[tuple[Any, ...]], depth: int) -> DeletedPlace:
    node = getattr(row, f"node_{depth - 1}")
    others = and_(nodes.c.removed_at == row.removed_at, nodes.c.purge_at.is_not(None))
    if depth == len(KINDS):
        ours = decode(row.spec).get("nodes")
        others = and_(others, nodes.c.id.in_(ours if isinstance(ours, list) else []))
    else:
        others = and_(others, nodes.c.parent == node, nodes.c.kind != KINDS[-1])
    with_it = select(nodes.c.id).where(others, nodes.c.id != node).order_by(nodes.c.id)
    return DeletedPlace(
        names=tuple(getattr(row, f"name_{number}") for number in range(depth)),
        kind=row.kind,
        deleted_at=row.removed_at,
        purge_at=row.purge_at,
        path=(ROOT, *(getattr(row, f"node_{number}") for number in range(depth))),
        job=row.job,
        with_it=tuple(connection.execute(with_it).scalars()),
    )
