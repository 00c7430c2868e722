"""Collections, experiments and datasets as rows of one kind: what lists and searches go through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, String, and_, bindparam, func, null, or_, select

from voxlake.platform.access import PUBLIC, Permission
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.catalog.rights.grants import is_granted
from voxlake.platform.catalog.tables import datasets, experiment_frames, frames
from voxlake.platform.database import Moment, now
from voxlake.platform.nodes.tree import KINDS, ROOT, collection, dataset, experiment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

_LEVELS = collection, experiment, dataset
_NOW = "moment_of_nodes"


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A collection or an experiment, as the catalog knows it; or as much of a dataset."""

    names: tuple[str, ...]
    """From the collection down."""
    description: str
    """What people say of it."""
    public: bool
    """Whether everybody may read it."""
    created_at: datetime
    frame: str | None = None
    """The coordinate frame of an experiment that has one."""
    path: tuple[int, ...] = field(default=(), compare=False)
    """The ids of the nodes from the lake down to it."""

    @property
    def kind(self) -> str:
        """What it is: collection, experiment or dataset."""
        return KINDS[len(self.names) - 1]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.names[-1]

    @property
    def node(self) -> int:
        """Its id, which stays when it is renamed."""
        return self.path[-1]

    def __str__(self) -> str:
        return "/".join(self.names)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list that is sorted by the names from the collection down."""

    limit: int | None = None
    """Most entries of it; None: all that are left."""
    after: tuple[str, ...] = ()
    """The names of the last entry before it; empty: it is the first part."""


EVERYTHING = Page()
"""The whole of a list."""


def path_at(depth: int) -> tuple[ColumnElement[int], ...]:
    """Return the columns of the ids from the collection down to the nodes of a depth."""
    return tuple(level.c.id for level in _LEVELS[:depth])


def _select(depth: int) -> Select[tuple[Any, ...]]:
    levels = _LEVELS[:depth]
    node = levels[-1]
    everybody = [PUBLIC], Permission.READ, bindparam(_NOW, type_=Moment)
    query = select(
        *(level.c.name.label(f"name_{number}") for number, level in enumerate(levels)),
        *(level.c.id.label(f"node_{number}") for number, level in enumerate(levels)),
        node.c.description,
        node.c.created_at,
        is_granted(*everybody, path_at(depth)).label("public"),
        (_frame_of_experiment if depth == 2 else null()).label("frame"),
    ).select_from(collection)
    if depth > 1:
        query = query.join(experiment, experiment.c.parent == collection.c.id)
    if depth > 2:
        query = query.join(dataset, dataset.c.parent == experiment.c.id)
        # A node alone is that of a dataset that is yet to be made, or never was.
        query = query.join(datasets, datasets.c.node == dataset.c.id)
        query = query.where(datasets.c.state != DatasetState.REMOVING.value)
    return query.where(*_are_named(depth))


def _are_named(depth: int) -> list[ColumnElement[bool]]:
    return [collection.c.parent == ROOT, *(each.c.removed_at.is_(None) for each in _LEVELS[:depth])]


_frame_of_experiment = (
    select(frames.c.name)
    .join(experiment_frames, experiment_frames.c.frame == frames.c.id)
    .where(experiment_frames.c.node == experiment.c.id)
    .correlate(experiment)
    .scalar_subquery()
)
# Made once: to put a query together takes longer than to ask it.
_queries = {depth: _select(depth) for depth in (1, 2, 3)}


def list_nodes(
    connection: Connection, depth: int, *which: ColumnElement[bool], page: Page = EVERYTHING
) -> list[NodeRecord]:
    """Return the nodes of a depth that all conditions hold of, sorted by names, or a page of them.

    Collections are of depth 1, experiments of 2, datasets of 3.
    """
    query = in_page(_queries[depth].where(*which), depth, page)
    return [_record_of(row, depth) for row in connection.execute(query, {_NOW: now()})]


def count_nodes(connection: Connection, depth: int, *which: ColumnElement[bool]) -> int:
    """Return how many nodes `list_nodes` would."""
    query = _queries[depth].with_only_columns(func.count()).where(*which)
    return connection.execute(query).scalar_one()


def in_page[T: tuple[Any, ...]](query: Select[T], depth: int, page: Page) -> Select[T]:
    """Sort a query for nodes of a depth by their names, and cut it to a page.

    It says of all of them that they have their names, so that the index of those can be used.
    """
    levels = _LEVELS[:depth]
    names = [level.c.name for level in levels]
    query = query.where(*_are_named(depth))
    if page.after:
        query = query.where(_comes_after(names, page.after))
    return query.order_by(*names).limit(page.limit)


def _comes_after(names: Sequence[ColumnElement[str]], after: Sequence[str]) -> ColumnElement[bool]:
    """Say that names come after others: in a form whose every step an index can begin at."""
    name, *below = names
    if not after:
        return name.is_not(None)
    start = bindparam(None, after[0], String)
    if not below:
        return name > start
    return and_(name >= start, or_(name > start, _comes_after(below, after[1:])))


def within(names: Sequence[str | None]) -> list[ColumnElement[bool]]:
    """Say of nodes, of what `list_nodes` looks through, that they are of these names or below."""
    pairs = zip(_LEVELS, names, strict=False)
    return [level.c.name == name for level, name in pairs if name is not None]


def _record_of(row: Row[tuple[Any, ...]], depth: int) -> NodeRecord:
    return NodeRecord(
        names=tuple(getattr(row, f"name_{number}") for number in range(depth)),
        description=row.description,
        public=row.public,
        created_at=row.created_at,
        frame=row.frame,
        path=(ROOT, *(getattr(row, f"node_{number}") for number in range(depth))),
    )
