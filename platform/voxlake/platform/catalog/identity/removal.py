"""Users who are taken out of a lake, with all that only they had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from voxlake.platform.catalog.identity.person import Standing
from voxlake.platform.catalog.rights.grants import drop_grants
from voxlake.platform.catalog.tables import (
    frames,
    groups,
    identities,
    links,
    memberships,
    sessions,
    tokens,
    uploads,
    users,
    viewer_states,
)
from voxlake.platform.errors import ConflictError
from voxlake.platform.jobs.tables import jobs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxlake.platform.catalog.identity.person import User

OF_USERS = (memberships, sessions, tokens, links, viewer_states, identities)
"""Rows that go with their user."""
LEFT = (uploads, jobs)
"""Rows that stay, and are the lake's owner's."""


def forget_user(connection: Connection, user: User) -> None:
    """Delete a user: tokens, sessions, links and what was granted to them alone go with them.

    Raises
    ------
    ConflictError
        If a group would be left without an owner.
    """
    if alone := _owned_alone(connection, user):
        raise ConflictError(
            f"user {user.name} alone owns {', '.join(alone)}; give each another owner, or delete "
            "it, first"
        )
    for table in OF_USERS:
        connection.execute(delete(table).where(table.c.user == user.id))
    for table in LEFT:
        connection.execute(update(table).where(table.c.user == user.id).values(user=None))
    own = connection.execute(select(groups.c.id).where(groups.c.user == user.id)).scalar_one()
    drop_grants(connection, group=own)
    connection.execute(update(frames).where(frames.c.group == own).values(group=None))
    connection.execute(delete(groups).where(groups.c.id == own))
    connection.execute(delete(users).where(users.c.id == user.id))


def _owned_alone(connection: Connection, user: User) -> list[str]:
    """Return the names of the groups that nobody else owns."""
    owners = memberships.alias()
    count = select(func.count()).where(
        owners.c.group == memberships.c.group, owners.c.role == Standing.OWNER
    )
    query = (
        select(groups.c.name)
        .join(memberships, memberships.c.group == groups.c.id)
        .where(
            memberships.c.user == user.id,
            memberships.c.role == Standing.OWNER,
            count.scalar_subquery() == 1,
        )
    )
    return sorted(connection.execute(query).scalars())
