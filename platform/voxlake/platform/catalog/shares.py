"""What is shared with whom: grants by the names of groups and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from voxlake.platform.access import Grant, Role
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.grants import drop_grants, grant_of, put_grant
from voxlake.platform.catalog.people import find_group
from voxlake.platform.catalog.places import node_of, path_of, text_of
from voxlake.platform.catalog.tables import grants, groups
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    ) -> Share:
        """Let a group have a role at a place and below it, in the place of one that it had.

        Raises
        ------
        InvalidInputError
            If it would be over before it begins, or is over already.
        """
        if ends_at is not None and ends_at <= max(starts_at or now(), now()):
            raise InvalidInputError(
                f"what ends at {ends_at:%Y-%m-%d %H:%M} would never begin; give a later end"
            )
        with self.database.write() as connection:
            node, whose = node_of(connection, place), find_group(connection, group)
            grant = Grant(whose.id, node, role.permissions, starts_at=starts_at, ends_at=ends_at)
            put_grant(connection, grant, role)
            lasts = "".join(
                f", {word} {moment:%Y-%m-%d %H:%M}"
                for word, moment in (("from", starts_at), ("until", ends_at))
                if moment is not None
            )
            self.note(
                connection, "share", text_of(place), node=node, detail=f"{role} {group}{lasts}"
            )
        return Share("/".join(place), group, role, grant)

    def unshare(self, place: Sequence[str], group: str) -> None:
        """Take back all that a group was granted at a place; what it has from above stays.

        Raises
        ------
        NotFoundError
            If it was granted nothing there.
        """
        with self.database.write() as connection:
            node, whose = node_of(connection, place), find_group(connection, group)
            if drop_grants(connection, node, whose.id) == 0:
                where = text_of(place)
                raise NotFoundError(
                    f"{where} is not shared with {group}; list what is with: voxlake share {where}"
                )
            self.note(connection, "unshare", text_of(place), node=node, detail=group)

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


def _share_of(row: Row[tuple[Any, ...]], place: str) -> Share:
    return Share(place, row.name, None if row.role is None else Role(row.role), grant_of(row))
