"""Rights as bossDB knows them: plain sets of permissions of a group on one place, and not below."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from voxlake.platform.access import VOLUMETRIC, Grant, Permission, Principal
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.places import path_of, text_of
from voxlake.platform.catalog.identity.people import find_group
from voxlake.platform.catalog.rights.grants import drop_grants, grant_of, put_set, read_grants
from voxlake.platform.catalog.rights.shares import check_given, check_owned, check_taken
from voxlake.platform.catalog.tables import grants, groups
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.nodes.tree import KINDS, ROOT, nodes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """What a group may do with one place, by whatever was granted to it there."""

    place: tuple[str, ...]
    """Its names, from the collection down."""
    group: str
    is_personal: bool
    """Whether the group is one user's own."""
    permissions: frozenset[Permission]
    """Those about voxels only if it is a dataset."""


@dataclass(frozen=True, slots=True)
class PermissionSets(Writer):
    """The sets of a lake. Its methods may be called from any thread.

    A place is given by the names from the collection down. Every method raises NotFoundError for
    a place or a group that there is not.
    """

    def put(
        self,
        place: Sequence[str],
        group: str,
        permissions: frozenset[Permission],
        held: frozenset[Permission] | None = None,
        *,
        alone: bool,
    ) -> None:
        """Let a group have permissions on a place, and not below it.

        Parameters
        ----------
        held
            What whoever grants it may do there themselves; None: they look after the lake.
        alone
            Whether they stand in the place of all that was granted to the group there, roles
            included; else they are added to its set.

        Raises
        ------
        InvalidInputError
            If they are about voxels, and the place is no dataset; or if everybody would get more
            than to read.
        ForbiddenError
            If it is more than `held`, or would take something back and that has no right to.
        ConflictError
            If nobody who does not look after the lake could share the place any more.
        """
        _check_kind(place, permissions)
        with self.database.write() as connection:
            path, whose = path_of(connection, place), find_group(connection, group)
            node, before = path[-1], read_grants(connection, path)
            there = [each for each in before if (each.group, each.node) == (whose.id, node)]
            plain = (each.permissions for each in there if not each.inherits)
            after = permissions if alone else permissions.union(*plain)
            check_given(whose.id, permissions, held)
            if alone:
                check_taken(there, Grant(whose.id, node, after), held)
                drop_grants(connection, node, whose.id)
            put_set(connection, node, whose.id, after)
            check_owned(before, read_grants(connection, path), path, held)
            told = f"{', '.join(sorted(after)) or 'nothing'} {group}"
            self.note(connection, "share", text_of(place), node=node, detail=told)

    def list_sets(
        self,
        of: Principal,
        group: str | None = None,
        place: Sequence[str] | None = None,
    ) -> list[PermissionSet]:
        """Return what the groups of somebody, or one group, have on places, or on one alone.

        They are sorted: collections, then experiments, then datasets, each by name. Of who looks
        after the lake, and names no group, all groups are told.
        """
        which = [nodes.c.removed_at.is_(None), nodes.c.id != ROOT]
        with self.database.read() as connection:
            if place is not None:
                which.append(nodes.c.id == path_of(connection, place)[-1])
            if group is not None:
                which.append(groups.c.id == find_group(connection, group).id)
            elif not of.administers:
                which.append(groups.c.id.in_(of.groups))
            rows = connection.execute(_GRANTED.where(*which)).all()
        inside = [row for row in rows if of.is_within([ROOT, row.top, row.above, row.node])]
        return _sets_of(inside)


def _check_kind(place: Sequence[str], permissions: Collection[Permission]) -> None:
    about_voxels = sorted(VOLUMETRIC.intersection(permissions))
    if about_voxels and len(place) < len(KINDS):
        raise InvalidInputError(
            f"{text_of(place)} holds no voxels itself, and a set does not inherit; grant "
            f"{', '.join(about_voxels)} on datasets, or share the place by a role"
        )


_above, _top = nodes.alias(), nodes.alias()
_GRANTED = (
    select(
        grants,
        groups.c.name.label("group_name"),
        groups.c.user.label("whose"),
        _top.c.id.label("top"),
        _above.c.id.label("above"),
        _top.c.name.label("top_name"),
        _above.c.name.label("above_name"),
        nodes.c.name.label("node_name"),
    )
    .join(groups, groups.c.id == grants.c.group)
    .join(nodes, nodes.c.id == grants.c.node)
    .join(_above, _above.c.id == nodes.c.parent)
    .outerjoin(_top, _top.c.id == _above.c.parent)
)
"""Grants with the names of their groups, and of their nodes and the two above these."""


def _sets_of(rows: Sequence[Row[tuple[Any, ...]]]) -> list[PermissionSet]:
    """Return the sets in rows: what is in force for one group on one place is one set."""
    moment = now()
    held = defaultdict[tuple[int, tuple[str, ...], str, bool], set[Permission]](set)
    for row in rows:
        place = _place_of(row)
        grant = grant_of(row)
        if grant.is_in_force(moment):
            told = grant.permissions if len(place) == len(KINDS) else grant.permissions - VOLUMETRIC
            held[len(place), place, row.group_name, row.whose is not None] |= told
    return [
        PermissionSet(place, group, is_personal, frozenset(permissions))
        for (_, place, group, is_personal), permissions in sorted(held.items())
        if permissions
    ]


def _place_of(row: Row[tuple[Any, ...]]) -> tuple[str, ...]:
    above = (row.top, row.top_name), (row.above, row.above_name)
    return (*(name for node, name in above if node not in (None, ROOT)), row.node_name)
