"""Grants as rows: what they let through in SQL is what `access.decide` allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, and_, delete, false, insert, or_, select, true, update

from voxlake.platform.access import Grant, Permission, Principal, Role
from voxlake.platform.catalog.tables import grants
from voxlake.platform.nodes.tree import ROOT, collection, dataset, experiment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, ColumnElement, Connection

DATASET = collection.c.id, experiment.c.id, dataset.c.id
"""The nodes above a dataset, and its own."""


def bits_of(permissions: Iterable[Permission]) -> int:
    """Return permissions as the catalog keeps them.

    Examples
    --------
    >>> bits_of([Permission.READ, Permission.UPDATE])
    5
    """
    return sum(1 << list(Permission).index(permission) for permission in set(permissions))


def permissions_of(bits: int) -> frozenset[Permission]:
    """Return the permissions that bits stand for.

    Examples
    --------
    >>> permissions_of(4)
    frozenset({<Permission.UPDATE: 'update'>})
    """
    return frozenset(each for number, each in enumerate(Permission) if bits >> number & 1)


def is_allowed(
    principal: Principal,
    permission: Permission,
    moment: datetime,
    path: Sequence[ColumnElement[int]] = DATASET,
) -> ColumnElement[bool]:
    """Say of a dataset, of what `join_names` joins, what `access.decide` says.

    `path` has the ids of other nodes, from the collection down, where it is asked of another.
    """
    if permission not in principal.permissions:
        return false()
    theirs = is_granted(principal.groups, permission, moment, path)
    granted = true() if principal.is_owner else theirs
    if principal.within in (None, ROOT):
        return granted
    return and_(granted, or_(*(node == principal.within for node in path)))


def is_granted(
    groups: Iterable[int],
    permission: Permission,
    moment: datetime | BindParameter[datetime],
    path: Sequence[ColumnElement[int]] = DATASET,
) -> ColumnElement[bool]:
    """Say that a dataset, of what `join_names` joins, gives one of the groups a permission.

    `path` is that of `is_allowed`.
    """
    # Each row costs a look into the index of grants for each node of its path. Asked as EXISTS, it
    # would be a join to PostgreSQL, which guesses wrongly and goes through all grants for each.
    theirs = select(grants.c.id).where(
        grants.c.node.in_([ROOT, *path]),
        grants.c.group.in_(list(groups)),
        or_(grants.c.inherits, grants.c.node == path[-1]),
        grants.c.permissions.bitwise_and(bits_of([permission])) != 0,
        or_(grants.c.starts_at.is_(None), grants.c.starts_at <= moment),
        or_(grants.c.ends_at.is_(None), grants.c.ends_at > moment),
    )
    return theirs.limit(1).scalar_subquery().is_not(None)


def is_in_set(node: int, group: ColumnElement[int], permission: Permission) -> ColumnElement[bool]:
    """Say that a group has a permission on a node by a plain set, for no time in particular."""
    plain = select(grants.c.id).where(
        grants.c.node == node,
        grants.c.group == group,
        grants.c.inherits.is_(False),
        grants.c.permissions.bitwise_and(bits_of([permission])) != 0,
    )
    return plain.limit(1).scalar_subquery().is_not(None)


def read_grants(connection: Connection, path: Sequence[int]) -> tuple[Grant, ...]:
    """Return the grants on the nodes of a path."""
    query = select(grants).where(grants.c.node.in_(list(path))).order_by(grants.c.id)
    return tuple(map(grant_of, connection.execute(query)))


def put_grant(connection: Connection, grant: Grant, role: Role | None = None) -> None:
    """Grant it, in the place of what the group was granted there that inherits, or does not.

    `role` is what people call the permissions, if anything.
    """
    where = {"node": grant.node, "group": grant.group, "inherits": grant.inherits}
    columns = {
        "role": role,
        "permissions": bits_of(grant.permissions),
        "starts_at": grant.starts_at,
        "ends_at": grant.ends_at,
    }
    change = update(grants).filter_by(**where).values(columns)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(grants).values(where | columns))


def put_role(connection: Connection, node: int, group: int, role: Role) -> None:
    """Let a group have a role on a node and all below it, from this moment on."""
    put_grant(connection, Grant(group, node, role.permissions), role)


def put_set(connection: Connection, node: int, group: int, plain: frozenset[Permission]) -> None:
    """Let a group have a plain set of permissions on a node, which does not inherit; or none."""
    if plain:
        put_grant(connection, Grant(group, node, plain, inherits=False))
    else:
        mine = grants.c.node == node, grants.c.group == group, grants.c.inherits.is_(False)
        connection.execute(delete(grants).where(*mine))


def drop_grants(connection: Connection, node: int | None = None, group: int | None = None) -> int:
    """Take back what was granted on a node, or to a group, or both; return how much it was."""
    given = {grants.c.node: node, grants.c.group: group}
    which = [column == wanted for column, wanted in given.items() if wanted is not None]
    assert which, "all grants of a lake are never taken back"
    return connection.execute(delete(grants).where(*which)).rowcount


def grant_of(row: Row[tuple[Any, ...]]) -> Grant:
    """Return the grant in a row."""
    return Grant(
        row.group,
        row.node,
        permissions_of(row.permissions),
        row.inherits,
        row.starts_at,
        row.ends_at,
    )
