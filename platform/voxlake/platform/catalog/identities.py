"""Who signs in at an issuer: known by what it calls them, and made a user at first sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text, update

from voxlake.platform.access import Way
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.people import find_user, is_free, make_user, principal_of
from voxlake.platform.catalog.tables import identities, users
from voxlake.platform.database import now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxlake.platform.access import Principal
    from voxlake.platform.catalog.person import Profile, User


@dataclass(frozen=True, slots=True)
class Identities(Writer):
    """The people whom an issuer speaks of. Its methods may be called from any thread."""

    def user_of(self, profile: Profile) -> User:
        """Return who somebody is here; the first time, a user is made for them.

        A user of the same name or mail is somebody else: who gets such a name at the issuer must
        not become them.
        """
        with self.database.read() as connection:
            found = _find(connection, profile)
        return self._make(profile) if found is None else self._renew(found, profile)

    def principal_of(self, profile: Profile) -> Principal:
        """Return somebody as one who asks, with what their groups at the issuer stand for.

        Raises
        ------
        UnauthenticatedError
            If they are disabled.
        """
        user = self.user_of(profile)
        with self.database.read() as connection:
            principal = principal_of(connection, user, profile.groups)
        administrator = principal.is_owner or profile.is_administrator
        return replace(principal, is_owner=administrator, way=Way.BEARER)

    def _make(self, profile: Profile) -> User:
        with self.database.write() as connection:
            if not self.database.is_sqlite:
                # Nobody else may make them meanwhile, or take the name; SQLite has one writer.
                names = text("LOCK TABLE users, groups IN SHARE ROW EXCLUSIVE MODE")
                connection.execute(names)
            if (found := _find(connection, profile)) is not None:
                return found
            name = _free_name(connection, profile.name)
            row = {"name": name, "full_name": profile.full_name, "email": profile.email}
            user = make_user(connection, row | {"is_administrator": False})
            known = {"issuer": profile.issuer, "subject": profile.subject, "user": user.id}
            connection.execute(insert(identities).values(known | {"created_at": now()}))
            replace(self, by=name).note(connection, "add user", name, detail=f"of {profile.issuer}")
            return user

    def _renew(self, user: User, profile: Profile) -> User:
        """Let a user be called and written to as the issuer says, if it says so."""
        said = {"full_name": profile.full_name, "email": profile.email}
        other = {key: text for key, text in said.items() if text and text != getattr(user, key)}
        if not other:
            return user
        with self.database.write() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(other))
            return find_user(connection, user.name)


def _find(connection: Connection, profile: Profile) -> User | None:
    mine = identities.c.issuer == profile.issuer, identities.c.subject == profile.subject
    query = select(users.c.name).join(identities, identities.c.user == users.c.id).where(*mine)
    name = connection.execute(query).scalar()
    return None if name is None else find_user(connection, name)


def _free_name(connection: Connection, wanted: str) -> str:
    others = (f"{wanted[:240]}-{number}" for number in count(2))
    return next(name for name in chain([wanted], others) if is_free(connection, name))
