"""Who looks after what of the lake as a whole, besides administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import update

from voxlake.platform.access import LakeRole, Permission
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.identity.people import find_group, find_user
from voxlake.platform.catalog.rights.grants import put_set, read_grants
from voxlake.platform.catalog.tables import users
from voxlake.platform.nodes.tree import ROOT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxlake.platform.catalog.identity.person import User


@dataclass(frozen=True, slots=True)
class LakeRoles(Writer):
    """The roles that users have in a lake. Its methods may be called from any thread."""

    def set(self, user: str, role: LakeRole, *, held: bool) -> User:
        """Give a user a role, or take it back; raise NotFoundError if there is no such user.

        A resource manager is whose own group may `add` to the lake itself: nothing else is asked
        when they make something there.
        """
        with self.database.write() as connection:
            who = find_user(connection, user)
            if role is LakeRole.USER_MANAGER:
                change = update(users).where(users.c.id == who.id)
                connection.execute(change.values(is_user_manager=held))
            else:
                _let_add(connection, who, may=held)
            self.note(connection, "give role" if held else "take role", user, detail=role)
            return find_user(connection, user)


def _let_add(connection: Connection, who: User, *, may: bool) -> None:
    own = find_group(connection, who.name).id
    plain = (
        grant.permissions
        for grant in read_grants(connection, [ROOT])
        if grant.group == own and not grant.inherits
    )
    before = next(plain, frozenset())
    add = {Permission.ADD}
    put_set(connection, ROOT, own, before | add if may else before - add)
