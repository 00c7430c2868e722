"""Sessions: who signed in with a browser, and until when. Kept as hashes of their secrets."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, insert, select, update

from voxlake.platform.access import Way
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.identity.people import find_user, principal_of
from voxlake.platform.catalog.identity.token_text import digest_of
from voxlake.platform.catalog.tables import sessions, users
from voxlake.platform.database import now
from voxlake.platform.errors import NotFoundError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.access import Principal

SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""What the secret of a session looks like: 256 random bits."""
LONGEST = timedelta(hours=24)
"""After this long somebody signs in again: what their provider says of them may have changed."""
IDLE = timedelta(hours=8)
"""After this long without a request too."""
_NOTED = timedelta(seconds=60)
"""How long a request is not noted after the one before: a note is a write."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody is signed in. Its secret is known to that browser alone."""

    id: int
    user: str
    created_at: datetime
    seen_at: datetime
    """When it asked for something last, to the minute."""
    ends_at: datetime
    """When it is over at the latest; `IDLE` after it was seen if that is earlier."""


@dataclass(frozen=True, slots=True)
class Sessions(Writer):
    """The sessions of a lake's users. Its methods may be called from any thread."""

    def begin(self, user: str, claimed: Iterable[str] = (), *, administrator: bool = False) -> str:
        """Sign a user in and return the secret of the session, which is not kept.

        Parameters
        ----------
        user
            Their name.
        claimed
            The groups and roles that they have at the issuer.
        administrator
            Whether one of these makes them an administrator.

        Raises
        ------
        NotFoundError
            If there is no such user.
        UnauthenticatedError
            If they are disabled.
        """
        secret, moment = secrets.token_urlsafe(32), now()
        with self.database.write() as connection:
            there = find_user(connection, user)
            principal_of(connection, there)
            connection.execute(delete(sessions).where(_is_over(moment)))
            row = {
                "user": there.id,
                "digest": digest_of(secret),
                "claimed": "\n".join(sorted(set(claimed))),
                "is_administrator": administrator,
                "created_at": moment,
                "seen_at": moment,
                "ends_at": moment + LONGEST,
            }
            made = connection.execute(insert(sessions).values(row).returning(sessions.c.id))
            replace(self, by=user).note(connection, "begin session", str(made.scalar_one()))
        return secret

    def principal_of(self, secret: str) -> Principal | None:
        """Return whose session it is, and note that it was seen; None if there is none any more.

        A user who is disabled has none.
        """
        moment = now()
        with self.database.read() as connection:
            query = _query(sessions.c.digest == digest_of(secret), ~_is_over(moment))
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            try:
                claimed = row.claimed.split("\n") if row.claimed else ()
                user = find_user(connection, row.user_name)
                principal = principal_of(connection, user, claimed)
            except UnauthenticatedError:
                return None
        if row.seen_at <= moment - _NOTED:
            with self.database.write() as connection:
                seen = update(sessions).where(sessions.c.id == row.id)
                connection.execute(seen.values(seen_at=moment))
        administrator = principal.is_owner or row.is_administrator
        return replace(principal, is_owner=administrator, way=Way.SESSION)

    def list_sessions(self, user: str | None = None) -> list[Session]:
        """Return the sessions that are not over, all or those of a user, the oldest first."""
        which = [] if user is None else [users.c.name == user]
        with self.database.read() as connection:
            rows = connection.execute(_query(~_is_over(now()), *which)).all()
        return list(map(_session_of, rows))

    def end(self, session: int) -> None:
        """Let a session be over; raise NotFoundError if there is none of that number."""
        with self.database.write() as connection:
            row = connection.execute(_query(sessions.c.id == session)).one_or_none()
            if row is None:
                raise NotFoundError(
                    f"there is no session {session}; list what there is with 'voxlake session'"
                )
            _end(self, connection, row)

    def sign_out(self, secret: str) -> None:
        """Let the session with a secret be over, as its user asks; none is no error."""
        with self.database.write() as connection:
            query = _query(sessions.c.digest == digest_of(secret))
            row = connection.execute(query).one_or_none()
            if row is not None:
                _end(replace(self, by=row.user_name), connection, row)


def _end(writer: Writer, connection: Connection, row: Row[tuple[Any, ...]]) -> None:
    connection.execute(delete(sessions).where(sessions.c.id == row.id))
    writer.note(connection, "end session", str(row.id), detail=f"of {row.user_name}")


def _is_over(moment: datetime) -> ColumnElement[bool]:
    return (sessions.c.ends_at <= moment) | (sessions.c.seen_at <= moment - IDLE)


def _query(*which: ColumnElement[bool]) -> Any:
    query = select(sessions, users.c.name.label("user_name"))
    return query.join(users, users.c.id == sessions.c.user).where(*which).order_by(sessions.c.id)


def _session_of(row: Row[tuple[Any, ...]]) -> Session:
    return Session(row.id, row.user_name, row.created_at, row.seen_at, row.ends_at)
