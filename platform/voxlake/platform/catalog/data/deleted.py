"""What was deleted and can be brought back, until its time has come or somebody purges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Row, Select, and_, func, literal, null, select, tuple_, update

from voxlake.platform.access import Add, Permission, Place, authorize_place
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import hidden_records, make_way
from voxlake.platform.catalog.data.deletion import KIND
from voxlake.platform.catalog.data.forgetting import forget_node
from voxlake.platform.catalog.data.node_records import path_at
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.catalog.rights.grants import is_allowed, read_grants
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, InvalidNameError, NotFoundError
from voxlake.platform.jobs.leases import change_job, locked_job
from voxlake.platform.jobs.record import UNFINISHED, JobState
from voxlake.platform.jobs.rows import decode
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.names import DatasetName, check_name
from voxlake.platform.nodes.changes import show_node
from voxlake.platform.nodes.tree import (
    KINDS,
    ROOT,
    collection,
    dataset,
    experiment,
    find_below,
    find_path,
    is_kept,
    nodes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Deleted(Writer):
    """What was deleted from a lake. Its methods may be called from any thread.

    It is there for who may delete it, and for nobody else; every method that is about one place
    raises NotFoundError to others.
    """

    def list_allowed(
        self, principal: Principal, *, limit: int | None = None, after: int | None = None
    ) -> list[DeletedPlace]:
        """Return what somebody can bring back, the last deleted first: that after a node."""
        with self.database.read() as connection:
            found = [
                place
                for depth in _DEPTHS
                for place in _read(
                    connection,
                    depth,
                    _may_delete(principal, depth),
                    *_after(depth, after),
                    limit=limit,
                )
            ]
        return sorted(found, key=lambda each: (each.deleted_at, each.node), reverse=True)[:limit]

    def get(self, number: int, principal: Principal) -> DeletedPlace:
        """Return the place of a node.

        Raises
        ------
        ConflictError
            If its purge has begun.
        """
        with self.database.read() as connection:
            return _find(connection, number, principal)

    def names_with(self, place: DeletedPlace, names: Sequence[str]) -> list[str]:
        """Return the names of what comes back with a place, where that has some names."""
        above = names[:-1] if len(names) == len(KINDS) else names
        named = select(nodes.c.name).where(nodes.c.id.in_(place.with_it))
        with self.database.read() as connection:
            return [
                "/".join((*above, name)) for name in sorted(connection.execute(named).scalars())
            ]

    def restore(
        self, number: int, principal: Principal, to: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """Bring a place back with all that was said and granted of it; return its names.

        Labels that were deleted with their image come back with it, and experiments with their
        collection.

        Parameters
        ----------
        to
            What it is to be called, from the collection down; None: as it was.

        Raises
        ------
        ConflictError
            If its purge has begun, if the name is taken, or if what it lay in is deleted.
        NotFoundError, ForbiddenError
            If it is to lie elsewhere, and that is not there, or nothing may be added there.
        InvalidNameError
            If the name cannot be one.
        """
        with self.database.write() as connection:
            place = _held(connection, number, principal)
            names = place.names if to is None else tuple(to)
            _check_names(place, names)
            parent = _parent(connection, place, names, principal)
            if len(names) == len(KINDS):
                self._show_datasets(connection, place, DatasetName(*names), parent)
            else:
                _require_free(connection, parent, names)
                for node in place.with_it:
                    show_node(connection, node, place.node, _name_of(connection, node))
                show_node(connection, place.node, parent, names[-1])
            if place.job is not None:
                _give_up(connection, place.job)
            before = "" if names == place.names else f", before {place}"
            detail = f"deleted {place.deleted_at:%Y-%m-%d %H:%M}{before}"
            kind = KINDS[len(names) - 1]
            self.note(connection, f"restore {kind}", "/".join(names), node=number, detail=detail)
        return names

    def _show_datasets(
        self, connection: Connection, place: DeletedPlace, name: DatasetName, parent: int
    ) -> None:
        for node in (place.node, *place.with_it):
            own = name if node == place.node else name.sibling(_name_of(connection, node))
            make_way(connection, own)
            show_node(connection, node, parent, own.dataset)
        inside = select(datasets.c.node).where(datasets.c.of == place.node)
        connection.execute(update(nodes).where(nodes.c.id.in_(inside)).values(parent=parent))

    def purge(self, number: int, principal: Principal) -> DeletedPlace:
        """Let a place be deleted for good now: a dataset by the first worker that is free.

        Raises
        ------
        ConflictError
            If its purge has begun.
        """
        with self.database.write() as connection:
            place = _held(connection, number, principal)
            action = f"ask to purge {KINDS[len(place.names) - 1]}"
            self.note(connection, action, str(place), node=number)
            if place.job is not None:
                change_job(connection, place.job, queued_at=now(), message="")
            else:
                self._forget(connection, place)
        return place

    def purge_due(self) -> int:
        """Forget the experiments and collections whose time has come; return how many."""
        due = select(nodes.c.id, nodes.c.kind).where(nodes.c.purge_at <= now())
        due = due.where(nodes.c.kind != KINDS[-1]).order_by(nodes.c.id)
        with self.database.read() as connection:
            found = connection.execute(due).all()
        count = 0
        for row in found:
            with self.database.write() as connection:
                depth = KINDS.index(row.kind) + 1
                for place in _read(connection, depth, _is_node(depth, row.id), lock=True):
                    self._forget(connection, place)
                    count += 1
        return count

    def _forget(self, connection: Connection, place: DeletedPlace) -> None:
        for node in (*place.with_it, place.node):
            forget_node(connection, node)
        action = f"purge {KINDS[len(place.names) - 1]}"
        self.note(connection, action, str(place), node=place.node)

    def count(self) -> int:
        """Return how many places can be brought back, by anybody."""
        with self.database.read() as connection:
            which = nodes.c.purge_at.is_not(None)
            return connection.execute(select(func.count()).where(which)).scalar_one()


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


_DEPTHS = range(1, len(KINDS) + 1)
"""Of collections, of experiments, of datasets."""
_queries = {depth: _select(depth) for depth in _DEPTHS}


def _may_delete(principal: Principal, depth: int) -> ColumnElement[bool]:
    return is_allowed(principal, Permission.DELETE, now(), path_at(depth))


def _is_node(depth: int, number: int) -> ColumnElement[bool]:
    return path_at(depth)[-1] == number


def _after(depth: int, last: int | None) -> list[ColumnElement[bool]]:
    """Say that a place comes after another in the list."""
    if last is None:
        return []
    node = (collection, experiment, dataset)[depth - 1]
    moment = select(nodes.c.removed_at).where(nodes.c.id == last).scalar_subquery()
    return [tuple_(node.c.removed_at, node.c.id) < tuple_(moment, literal(last))]


def _read(
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


def _find(
    connection: Connection, number: int, principal: Principal, *, lock: bool = False
) -> DeletedPlace:
    kind = connection.execute(select(nodes.c.kind).where(nodes.c.id == number)).scalar()
    for depth in [KINDS.index(kind) + 1] if kind in KINDS else []:
        which = _is_node(depth, number), _may_delete(principal, depth)
        for place in _read(connection, depth, *which, lock=lock):
            return place
        theirs = is_allowed(principal, Permission.DELETE, now())
        begun = datasets.c.node == number, datasets.c.state == DatasetState.REMOVING.value
        for record in hidden_records(connection, *begun, theirs):
            _refuse(str(record.name))
    raise NotFoundError(
        f"nothing that was deleted has the id {number}; list what there is with 'voxlake deleted'"
    )


def _held(connection: Connection, number: int, principal: Principal) -> DeletedPlace:
    """Return a place that nobody else brings back, or purges, before the transaction ends."""
    place = _find(connection, number, principal)
    if place.job is None:
        return _find(connection, number, principal, lock=True)
    if locked_job(connection, place.job).state == JobState.RUNNING:
        _refuse(str(place))
    # Who had the job first has brought it back, or has begun.
    return _find(connection, number, principal)


def _refuse(name: str) -> NoReturn:
    raise ConflictError(
        f"{name} cannot be brought back: a worker has begun to delete it from the store"
    )


def _check_names(place: DeletedPlace, names: tuple[str, ...]) -> None:
    if len(names) != len(place.names):
        raise InvalidNameError(
            f"{place} cannot be called {'/'.join(names)!r}; give as many names as it had"
        )
    for kind, name in zip(KINDS, names, strict=False):
        check_name(name, kind)


def _parent(
    connection: Connection, place: DeletedPlace, names: tuple[str, ...], principal: Principal
) -> int:
    """Return the node in which a place is to lie from now on."""
    image = _image_above(connection, place)
    above = tuple(find_path(connection, *names[:-1]))
    is_there = len(above) == len(names)
    if is_there and image in {None, above[-1]} and above == place.path[:-1]:
        return above[-1]
    if image is not None and (not is_there or above[-1] != image):
        raise ConflictError(
            f"labels {place} belong to an image, and come back to the experiment in which it is"
        )
    if not is_there and names == place.names:
        lacking = KINDS[len(names) - 2]
        raise ConflictError(
            f"the {lacking} {'/'.join(names[:-1])} in which {place} lay is deleted too; bring it "
            f"back first, or say where {place} is to lie: voxlake undelete {place.node} --to NAME"
        )
    found = Place(names[:-1], above, read_grants(connection, above)) if is_there else None
    authorize_place(principal, Add, names[:-1], found)
    return above[-1]


def _image_above(connection: Connection, place: DeletedPlace) -> int | None:
    """Return the experiment of the image that labels belong to; None: they belong to none."""
    if place.kind != "labels":
        return None
    of = select(datasets.c.of).where(datasets.c.node == place.node).scalar_subquery()
    image = connection.execute(select(dataset.c.parent, is_kept).where(dataset.c.id == of)).first()
    if image is None:
        return None
    if not image[1]:
        raise ConflictError(
            f"the image that labels {place} belong to is deleted too; bring it back first"
        )
    return int(image[0])


def _require_free(connection: Connection, parent: int, names: tuple[str, ...]) -> None:
    if find_below(connection, parent, names[-1]) is not None:
        raise ConflictError(
            f"{KINDS[len(names) - 1]} {'/'.join(names)} exists already; give it another name"
        )


def _name_of(connection: Connection, node: int) -> str:
    name: str = connection.execute(select(nodes.c.name).where(nodes.c.id == node)).scalar_one()
    return name


def _give_up(connection: Connection, job: str) -> None:
    row = locked_job(connection, job)
    columns = {"state": JobState.CANCELLED.value, "fence": row.fence + 1, "lease_until": None}
    change_job(connection, job, **columns, message="what it was to delete was brought back")
