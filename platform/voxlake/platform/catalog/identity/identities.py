"""Who signs in at an issuer: known by what it calls them, and made a user at first sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from voxlake.platform.access import Way
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.identity.people import (
    find_user,
    hold_names,
    make_user,
    principal_of,
    who_has,
)
from voxlake.platform.catalog.tables import identities, users
from voxlake.platform.database import now

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.access import Principal
    from voxlake.platform.catalog.identity.person import Profile, User


CLAIMED = timedelta(days=7)
"""How long a token of the catalog counts on the groups that its user had at the issuer last."""
_NOTED = timedelta(seconds=60)
"""How long groups are not noted again after the time before: a note is a write."""


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
        if found is None:
            return self._make(profile)
        self._note_groups(profile)
        return self._renew(found, profile)

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
            hold_names(connection, self.database)
            if (found := _find(connection, profile)) is not None:
                return found
            name = _free_name(connection, profile.name)
            row = {"name": name, "full_name": profile.full_name, "email": profile.email}
            user = make_user(connection, row | {"is_administrator": False})
            known = {"issuer": profile.issuer, "subject": profile.subject, "user": user.id}
            made = known | {"created_at": now(), **_claimed(profile)}
            connection.execute(insert(identities).values(made))
            replace(self, by=name).note(connection, "add user", name, detail=f"of {profile.issuer}")
            return user

    def _note_groups(self, profile: Profile) -> None:
        """Note the groups that somebody has at the issuer, for tokens of theirs."""
        said, mine = _claimed(profile), _is(profile)
        with self.database.read() as connection:
            known = connection.execute(
                select(identities.c.claimed, identities.c.claimed_at).where(*mine)
            ).one()
        fresh = known.claimed_at is not None and known.claimed_at > now() - _NOTED
        if fresh and known.claimed == said["claimed"]:
            return
        with self.database.write() as connection:
            connection.execute(update(identities).where(*mine).values(said))

    def _renew(self, user: User, profile: Profile) -> User:
        """Let a user be called and written to as the issuer says, if it says so."""
        said = {"full_name": profile.full_name, "email": profile.email}
        other = {key: text for key, text in said.items() if text and text != getattr(user, key)}
        if not other:
            return user
        with self.database.write() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(other))
            return find_user(connection, user.name)


def lasting_groups(connection: Connection, user: int) -> frozenset[str]:
    """Return the groups that the issuer said a user had, if it did so within the last days."""
    fresh = identities.c.claimed_at > now() - CLAIMED
    query = select(identities.c.claimed).where(identities.c.user == user, fresh)
    lines = (line for text in connection.execute(query).scalars() for line in text.split("\n"))
    return frozenset(filter(None, lines))


def _claimed(profile: Profile) -> dict[str, str | datetime]:
    return {"claimed": "\n".join(sorted(profile.groups)), "claimed_at": now()}


def _is(profile: Profile) -> tuple[ColumnElement[bool], ...]:
    return identities.c.issuer == profile.issuer, identities.c.subject == profile.subject


def _find(connection: Connection, profile: Profile) -> User | None:
    mine = _is(profile)
    query = select(users.c.name).join(identities, identities.c.user == users.c.id).where(*mine)
    name = connection.execute(query).scalar()
    return None if name is None else find_user(connection, name)


def _free_name(connection: Connection, wanted: str) -> str:
    others = (f"{wanted[:240]}-{number}" for number in count(2))
    return next(name for name in chain([wanted], others) if who_has(connection, name) is None)
