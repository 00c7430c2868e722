"""Collections and their experiments: made, renamed and deleted as things of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from voxlake.platform.access import PUBLIC, Grant, Permission, Role
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.forgetting import forget_node
from voxlake.platform.catalog.data.frames import place_in_frame
from voxlake.platform.catalog.data.metadata import describe
from voxlake.platform.catalog.data.node_records import (
    EVERYTHING,
    NodeRecord,
    Page,
    list_nodes,
    path_at,
    within,
)
from voxlake.platform.catalog.data.places import node_of, text_of
from voxlake.platform.catalog.identity.people import own_group
from voxlake.platform.catalog.rights.grants import (
    drop_grants,
    is_allowed,
    put_grant,
    put_role,
    read_grants,
)
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, InvalidNameError, NotFoundError
from voxlake.platform.jobs.histories import check_no_job_below
from voxlake.platform.names import check_name
from voxlake.platform.nodes.changes import hide_node, make_node, move_node
from voxlake.platform.nodes.tree import KINDS, find_below, nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select

    from voxlake.platform.access import Principal


@dataclass(frozen=True, slots=True)
class ProtectedNode:
    """A collection or an experiment, and the grants on it and on what lies above it."""

    record: NodeRecord
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Collections(Writer):
    """The collections and experiments of a lake. Its methods may be called from any thread.

    A place is given by its names, from the collection down. Every method that is about a place
    raises NotFoundError if there is none.
    """

    def add(
        self,
        place: Sequence[str],
        *,
        description: str = "",
        frame: str | None = None,
        owner: str | None = None,
    ) -> NodeRecord:
        """Make a collection, or an experiment in a collection that is there.

        Parameters
        ----------
        place
            Its names.
        description
            What it is, for people.
        frame
            Of an experiment: the coordinate frame that it lies in.
        owner
            The user whose it is to be; somebody who is no user of the lake is none.

        Raises
        ------
        ConflictError
            If there is one of that name.
        InvalidNameError
            If the name cannot be one.
        """
        kind = _kind_of(place)
        check_name(place[-1], kind)
        with self.database.write() as connection:
            _require_free(connection, node_of(connection, place[:-1]), place)
            node = make_node(connection, *place)
            describe(connection, node, description)
            if frame is not None:
                place_in_frame(connection, node, frame)
            group = None if owner is None else own_group(connection, owner)
            if group is not None:
                put_role(connection, node, group, Role.OWNER)
            self.note(connection, f"add {kind}", text_of(place), node=node)
            return _find(connection, place)

    def get(self, place: Sequence[str]) -> NodeRecord:
        """Return the collection or experiment."""
        with self.database.read() as connection:
            return _find(connection, place)

    def get_protected(self, place: Sequence[str]) -> ProtectedNode:
        """Return it, and who may do what with it."""
        with self.database.read() as connection:
            record = _find(connection, place)
            return ProtectedNode(record, read_grants(connection, record.path))

    def list_allowed(
        self,
        principal: Principal,
        permission: Permission,
        above: Sequence[str] = (),
        page: Page = EVERYTHING,
    ) -> list[NodeRecord]:
        """Return the collections, or the experiments of one, that `decide` allows one to use so.

        They are sorted by name.
        """
        depth = len(above) + 1
        allowed = is_allowed(principal, permission, now(), path_at(depth))
        with self.database.read(in_order=page.limit is not None) as connection:
            return list_nodes(connection, depth, *within(above), allowed, page=page)

    def set_public(self, place: Sequence[str], *, public: bool) -> None:
        """Say whether everybody may read what it is; what lies below it keeps what it had.

        Raises
        ------
        ConflictError
            If it is to be private, and everybody may read it by what was granted above it.
        """
        with self.database.write() as connection:
            node = _find(connection, place).node
            if public:
                put_grant(
                    connection, Grant(PUBLIC, node, frozenset({Permission.READ}), inherits=False)
                )
            else:
                drop_grants(connection, node, PUBLIC)
                if _find(connection, place).public:
                    raise ConflictError(
                        f"{text_of(place)} is public as all that lies above it is; take that back "
                        "instead"
                    )
            action = f"{'publish' if public else 'unpublish'} {_kind_of(place)}"
            self.note(connection, action, text_of(place), node=node)

    def set_frame(self, place: Sequence[str], frame: str) -> NodeRecord:
        """Say in which coordinate frame an experiment lies."""
        with self.database.write() as connection:
            node = node_of(connection, place)
            place_in_frame(connection, node, frame)
            self.note(connection, "frame experiment", text_of(place), node=node, detail=frame)
            return _find(connection, place)

    def move(self, place: Sequence[str], to: Sequence[str]) -> NodeRecord:
        """Give it another name; an experiment may go to another collection, which is there.

        One row changes: all that lies below it, and who may do what there, goes with it.

        Raises
        ------
        ConflictError
            If there is one of that name, or a job below it is unfinished.
        InvalidNameError
            If the name cannot be one.
        """
        kind = _kind_of(place)
        if len(to) != len(place):
            raise InvalidNameError(
                f"{kind} {text_of(place)} cannot be called {text_of(to)!r}; give as many names as "
                "it has"
            )
        check_name(to[-1], kind)
        with self.database.write() as connection:
            node, parent = _find(connection, place).node, node_of(connection, to[:-1])
            _require_free(connection, parent, to)
            check_no_job_below(connection, node, text_of(place))
            move_node(connection, node, parent, to[-1])
            detail = f"before {text_of(place)}"
            self.note(connection, f"rename {kind}", text_of(to), node=node, detail=detail)
            return _find(connection, to)

    def remove(self, place: Sequence[str], *, recursive: bool = False, days: int = 0) -> None:
        """Delete it; its name is free again.

        Parameters
        ----------
        recursive
            Whether the experiments of a collection go with it.
        days
            For so long it can be brought back, with what was said and granted of it.

        Raises
        ------
        ConflictError
            If a dataset is left below it, or a job there is unfinished; or an experiment is, and
            it is not to go with it.
        """
        with self.database.write() as connection:
            node = _find(connection, place).node
            _require_empty(connection, node, place, recursive=recursive)
            check_no_job_below(connection, node, text_of(place))
            self.note(connection, f"remove {_kind_of(place)}", text_of(place), node=node)
            moment = now()
            for each in [*connection.execute(_below(node)).scalars(), node]:
                if days:
                    hide_node(connection, each, moment, moment + timedelta(days=days))
                else:
                    forget_node(connection, each)


def _kind_of(place: Sequence[str]) -> str:
    if not 1 <= len(place) <= 2:
        raise InvalidNameError(
            f"{text_of(place)!r} is neither COLLECTION nor COLLECTION/EXPERIMENT; give one or two "
            "names with '/' between them"
        )
    return KINDS[len(place) - 1]


def _find(connection: Connection, place: Sequence[str]) -> NodeRecord:
    kind = _kind_of(place)
    for record in list_nodes(connection, len(place), *within(place)):
        return record
    raise NotFoundError(
        f"there is no {kind} {text_of(place)}; list what there is with 'voxlake {kind}'"
    )


def _require_free(connection: Connection, parent: int, place: Sequence[str]) -> None:
    if find_below(connection, parent, place[-1]) is not None:
        raise ConflictError(
            f"{_kind_of(place)} {text_of(place)} exists already; choose another name"
        )


def _require_empty(
    connection: Connection, node: int, place: Sequence[str], *, recursive: bool
) -> None:
    held = select(func.count()).where(datasets.c.node.in_(_below(node)))
    count = connection.execute(held).scalar_one()
    if count:
        raise ConflictError(
            f"{text_of(place)} holds {count} dataset{'' if count == 1 else 's'}; delete them "
            f"first, or all with: voxlake {_kind_of(place)} rm {text_of(place)} --recursive"
        )
    inside = select(nodes.c.name).where(nodes.c.parent == node, nodes.c.removed_at.is_(None))
    experiments = [] if len(place) > 1 else sorted(connection.execute(inside).scalars())
    if experiments and not recursive:
        raise ConflictError(
            f"{text_of(place)} holds {', '.join(experiments)}; delete them first, or all with: "
            f"voxlake collection rm {text_of(place)} --recursive"
        )


def _below(node: int) -> Select[tuple[int]]:
    """Return a query for the ids of the nodes below one that have a name."""
    inner = nodes.alias()
    parents = select(inner.c.id).where(inner.c.parent == node)
    below = or_(nodes.c.parent == node, nodes.c.parent.in_(parents))
    return select(nodes.c.id).where(below, nodes.c.removed_at.is_(None))
