"""What was deleted and can be brought back, until its time has come or somebody purges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import func, select, update

from voxlake.platform.access import Add, Permission, Place, authorize_place
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import hidden_records, list_records, make_way
from voxlake.platform.catalog.data.deleted_places import (
    DEPTHS,
    DeletedPlace,
    after_place,
    is_node,
    may_delete,
    read_places,
)
from voxlake.platform.catalog.data.forgetting import forget_node
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.catalog.data.uploads import resume_uploads
from voxlake.platform.catalog.rights.grants import is_allowed, read_grants
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, InvalidNameError, NotFoundError
from voxlake.platform.jobs.leases import change_job, locked_job
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName, check_name
from voxlake.platform.nodes.changes import show_node
from voxlake.platform.nodes.tree import (
    KINDS,
    dataset,
    find_below,
    find_path,
    is_kept,
    nodes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from voxlake.platform.access import Principal


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
                for depth in DEPTHS
                for place in read_places(
                    connection,
                    depth,
                    may_delete(principal, depth),
                    *after_place(depth, after),
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
        back = datasets.c.node.in_((place.node, *place.with_it))
        for record in list_records(connection, back):
            resume_uploads(connection, record)

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
                for place in read_places(connection, depth, is_node(depth, row.id), lock=True):
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


def _find(
    connection: Connection, number: int, principal: Principal, *, lock: bool = False
) -> DeletedPlace:
    kind = connection.execute(select(nodes.c.kind).where(nodes.c.id == number)).scalar()
    for depth in [KINDS.index(kind) + 1] if kind in KINDS else []:
        which = is_node(depth, number), may_delete(principal, depth)
        for place in read_places(connection, depth, *which, lock=lock):
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
