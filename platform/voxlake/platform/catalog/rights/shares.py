"""What is shared with whom: grants by the names of groups and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from voxlake.platform.access import PUBLIC, Grant, Permission, Place, Role
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.places import path_of, text_of
from voxlake.platform.catalog.identity.people import find_group
from voxlake.platform.catalog.rights.grants import drop_grants, grant_of, put_grant, read_grants
from voxlake.platform.catalog.tables import grants, groups
from voxlake.platform.database import now
from voxlake.platform.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from voxlake.platform.nodes.tree import NOWHERE, find_path, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Share:
    """A grant, as people know it."""

    place: str
    """``COLLECTION/EXPERIMENT/DATASET`` or the start of it; empty: the lake."""
    group: str
    role: Role | None
    """None: a set of permissions that has no name."""
    grant: Grant


@dataclass(frozen=True, slots=True)
class Shares(Writer):
    """Who may do what in a lake. Its methods may be called from any thread.

    A place is given by the names from the collection down; none of them is the lake. Every method
    raises NotFoundError for a place or a group that there is not.
    """

    def share(
        self,
        place: Sequence[str],
        group: str,
        role: Role,
        *,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        held: frozenset[Permission] | None = None,
    ) -> Share:
        """Let a group have a role at a place and below it, in the place of one that it had.

        `held` is what whoever shares may do there themselves; None: they look after the lake.

        Raises
        ------
        InvalidInputError
            If it would be over before it begins, or is over already; or if everybody would get
            more than to read.
        ForbiddenError
            If it is more than `held`, or would take something back and that has no right to.
        ConflictError
            If nobody who does not look after the lake could share the place any more.
        """
        if ends_at is not None and ends_at <= max(starts_at or now(), now()):
            raise InvalidInputError(
                f"what ends at {ends_at:%Y-%m-%d %H:%M} would never begin; give a later end"
            )
        with self.database.write() as connection:
            path, whose = path_of(connection, place), find_group(connection, group)
            node = path[-1]
            grant = Grant(whose.id, node, role.permissions, starts_at=starts_at, ends_at=ends_at)
            before = read_grants(connection, path)
            check_given(whose.id, grant.permissions, held)
            check_taken([each for each in before if _is_replaced(each, grant)], grant, held)
            put_grant(connection, grant, role)
            check_owned(before, read_grants(connection, path), path, held)
            lasts = "".join(
                f", {word} {moment:%Y-%m-%d %H:%M}"
                for word, moment in (("from", starts_at), ("until", ends_at))
                if moment is not None
            )
            self.note(
                connection, "share", text_of(place), node=node, detail=f"{role} {group}{lasts}"
            )
        return Share("/".join(place), group, role, grant)

    def unshare(
        self, place: Sequence[str], group: str, held: frozenset[Permission] | None = None
    ) -> None:
        """Take back all that a group was granted at a place; what it has from above stays.

        `held` is that of `share`.

        Raises
        ------
        NotFoundError
            If it was granted nothing there.
        ConflictError
            If nobody who does not look after the lake could share the place any more.
        """
        with self.database.write() as connection:
            path, whose = path_of(connection, place), find_group(connection, group)
            node, before = path[-1], read_grants(connection, path)
            if drop_grants(connection, node, whose.id) == 0:
                where = text_of(place)
                raise NotFoundError(
                    f"{where} is not shared with {group}; list what is with: voxlake share {where}"
                )
            check_owned(before, read_grants(connection, path), path, held)
            self.note(connection, "unshare", text_of(place), node=node, detail=group)

    def find_place(self, place: Sequence[str]) -> Place | None:
        """Return a place, and who may do what with it; None if there is none.

        The database is asked the same for both: nobody can tell them apart by the time it takes.
        """
        with self.database.read() as connection:
            path = find_path(connection, *place)
            nodes = path + [NOWHERE] * (len(place) + 1 - len(path))
            found = Place(tuple(place), tuple(path), read_grants(connection, nodes))
            return found if len(path) > len(place) else None

    def name_of(self, node: int | None) -> str | None:
        """Return what the place of a node is called; None of None."""
        if node is None:
            return None
        with self.database.read() as connection:
            return text_of(names_of(connection, node))

    def list_shares(self, place: Sequence[str]) -> list[Share]:
        """Return what is shared at a place or above it, from the lake down, by group."""
        with self.database.read() as connection:
            path = path_of(connection, place)
            query = select(grants, groups.c.name).join(groups, groups.c.id == grants.c.group)
            rows = connection.execute(query.where(grants.c.node.in_(path))).all()
        last = path[-1]
        shares = [
            _share_of(row, "/".join(place[: path.index(row.node)]))
            for row in rows
            if row.inherits or row.node == last
        ]
        return sorted(shares, key=lambda one: (one.place.count("/"), one.place, one.group))


def check_given(
    group: int, permissions: frozenset[Permission], held: frozenset[Permission] | None
) -> None:
    """Refuse to give everybody more than to read, and anybody more than one has."""
    if group == PUBLIC and not permissions <= Role.VIEWER.permissions:
        raise InvalidInputError("everybody can be a viewer, and no more; name a group for more")
    if held is not None and (more := permissions - held):
        raise ForbiddenError(
            f"you may not {', '.join(sorted(more))} there yourself, and cannot let others; give a "
            "smaller role, or ask its owner"
        )


def check_taken(
    replaced: Iterable[Grant], after: Grant, held: frozenset[Permission] | None
) -> None:
    """Refuse to take back what one may not."""
    may_take = held is None or Permission.REMOVE_GROUP in held
    if not may_take and any(not each.permissions <= after.permissions for each in replaced):
        raise ForbiddenError(
            "the group may do more there, and you may not take that back; ask the owner"
        )


def _is_replaced(there: Grant, by: Grant) -> bool:
    return (there.group, there.node, there.inherits) == (by.group, by.node, by.inherits)


def check_owned(
    before: Iterable[Grant],
    after: Iterable[Grant],
    path: Sequence[int],
    held: frozenset[Permission] | None,
) -> None:
    """Refuse to leave a place without anybody who says who may do what with it."""
    if held is not None and _is_owned(before, path) and not _is_owned(after, path):
        raise ConflictError(
            "nobody could share the place any more but those who look after the lake; make another "
            "group its owner first, or ask an administrator"
        )


def _is_owned(there: Iterable[Grant], path: Sequence[int]) -> bool:
    return any(
        Permission.ASSIGN_GROUP in grant.permissions
        and grant.reaches(path)
        and grant.is_in_force(now())
        for grant in there
    )


def _share_of(row: Row[tuple[Any, ...]], place: str) -> Share:
    return Share(place, row.name, None if row.role is None else Role(row.role), grant_of(row))
