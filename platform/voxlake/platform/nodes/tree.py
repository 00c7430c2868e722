"""The tree of names: the lake, its collections, their experiments, and the datasets of those.

What the catalog says of any of them, and of jobs, hangs on the id of a node, which never changes
and is never given again; a name is one row, so that a rename changes it alone. A node that was
removed stays, without a claim to its name, for what was recorded of it; until the moment that
`purge_at` says, it can be brought back, and what was said and granted of it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    bindparam,
    select,
    text,
)

from voxlake.platform.database import Moment
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

metadata = MetaData()
ID = BigInteger().with_variant(Integer(), "sqlite")
"""Type of an id, and of what points at one."""

ROOT = 1
"""The node of the lake itself."""
NOWHERE = 0
"""The id of no node."""
KINDS = ("collection", "experiment", "dataset")
"""What lies below the lake, from the top down."""

_Name = String(255).with_variant(String(255, collation="C"), "postgresql")
"""Sorts by code points on every database, so that pages of a list follow the index."""

nodes = Table(
    "nodes",
    metadata,
    Column("id", ID, primary_key=True),
    Column("parent", ID, ForeignKey("nodes.id")),
    Column("kind", String(16), nullable=False),
    Column("name", _Name, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("removed_at", Moment),
    Column("purge_at", Moment),
    Index("ix_nodes_purge_at", "purge_at"),
    sqlite_autoincrement=True,
)

Index(
    "uq_nodes_parent_name",
    nodes.c.parent,
    nodes.c.name,
    unique=True,
    sqlite_where=text("removed_at IS NULL"),
)
"""A name is taken once below a node. On PostgreSQL the migration makes the same index."""

dataset = nodes.alias("dataset")
experiment = nodes.alias("experiment")
collection = nodes.alias("collection")

is_kept = dataset.c.removed_at.is_(None)
"""Says that a dataset has its name still."""


def join_names[T: tuple[Any, ...]](query: Select[T], node: Column[int]) -> Select[T]:
    """Join the nodes of a dataset's name to a query whose column `node` has the dataset's id."""
    return (
        query.join(dataset, dataset.c.id == node)
        .join(experiment, experiment.c.id == dataset.c.parent)
        .join(collection, collection.c.id == experiment.c.parent)
    )


NAME_COLUMNS = (
    collection.c.name.label("collection_name"),
    experiment.c.name.label("experiment_name"),
    dataset.c.name.label("dataset_name"),
)
"""The columns of a dataset's name, for `name_of`."""


def name_of(row: Row[tuple[Any, ...]]) -> DatasetName:
    """Return the name in a row that has `NAME_COLUMNS`."""
    return DatasetName(row.collection_name, row.experiment_name, row.dataset_name)


def is_named(name: DatasetName) -> ColumnElement[bool]:
    """Say that a dataset has a name: of what `join_names` joins."""
    parts = zip((collection, experiment, dataset), name.parts, strict=True)
    return and_(*(node.c.name == part for node, part in parts), is_kept)


def find_node(connection: Connection, *names: str) -> int | None:
    """Return the id of the collection, experiment or dataset of a path; None if there is none."""
    path = find_path(connection, *names)
    return path[-1] if len(path) == len(names) + 1 else None


def find_path(connection: Connection, *names: str) -> list[int]:
    """Return the ids of the lake and of the nodes below it that names lead to, as far as any is."""
    if not names:
        return [ROOT]
    names = names[: len(KINDS)]
    asked = {f"name_{depth}": name for depth, name in enumerate(names)}
    found = connection.execute(_paths[len(names)], asked).first() or ()
    return [ROOT, *(node for node in found if node is not None)]


def _path_query(levels: Sequence[FromClause]) -> Select[tuple[Any, ...]]:
    query = select(*(level.c.id for level in levels)).select_from(*levels[:1])
    named = [
        and_(level.c.name == bindparam(f"name_{depth}", type_=String), level.c.removed_at.is_(None))
        for depth, level in enumerate(levels)
    ]
    for above, below, is_so in zip(levels, levels[1:], named[1:], strict=False):
        query = query.outerjoin(below, and_(below.c.parent == above.c.id, is_so))
    return query.where(collection.c.parent == ROOT, *named[:1])


# Made once: to put a query together takes longer than to ask it.
_paths = {
    depth: _path_query((collection, experiment, dataset)[:depth])
    for depth in range(1, len(KINDS) + 1)
}
"""Queries for the nodes that so many names lead to, one below the other."""


def names_of(connection: Connection, node: int) -> list[str]:
    """Return the names from the collection down to a node; none of the lake."""
    names: list[str] = []
    while node != ROOT:
        row = connection.execute(select(nodes.c.parent, nodes.c.name).filter_by(id=node)).one()
        node, names = row.parent, [row.name, *names]
    return names


def find_below(connection: Connection, parent: int, name: str) -> int | None:
    """Return the id of the node that has a name below another; None if there is none."""
    below = and_(nodes.c.parent == parent, nodes.c.name == name, nodes.c.removed_at.is_(None))
    return connection.execute(select(nodes.c.id).where(below)).scalar()
