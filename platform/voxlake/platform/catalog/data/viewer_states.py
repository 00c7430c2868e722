"""States of the viewer that people share: what is shown and how, and never a voxel."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.tables import viewer_states
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

LONGEST = timedelta(days=3660)
"""How long a state is kept at most."""
USUAL = timedelta(days=366)
"""How long it is kept if nobody says."""
MAX_BYTES = 256 << 10
"""Of the text of a state."""
MAX_STATES = 1000
"""Of one user."""

_LISTED: list[ColumnElement[Any]] = [each for each in viewer_states.c if each.name != "state"]
_LISTED.append(func.length(viewer_states.c.state).label("characters"))


@dataclass(frozen=True, slots=True)
class SharedState:
    """A state that is shared; its text is asked for by itself."""

    id: int
    """Rises with time."""
    serial: str
    """What it is asked for by; random."""
    user: int | None
    """Who made it; None: the lake's owner."""
    for_users: bool
    """Whether it is shown to those alone who say who they are."""
    title: str
    characters: int
    created_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ViewerStates(Writer):
    """The states that a lake's people share. Its methods may be called from any thread."""

    def add(
        self,
        state: str,
        user: int | None,
        ends_at: datetime | None = None,
        *,
        for_users: bool,
        title: str = "",
    ) -> SharedState:
        """Keep a state of a user, or of the lake's owner. Those that are over are deleted.

        Raises
        ------
        InvalidInputError
            If it would end before it begins, or last longer than `LONGEST`.
        LimitExceededError
            If it is larger than `MAX_BYTES`, or the user has `MAX_STATES`.
        """
        moment = now()
        ends_at = ends_at or moment + USUAL
        if not timedelta() < ends_at - moment <= LONGEST:
            raise InvalidInputError(
                f"a state until {ends_at:%Y-%m-%d %H:%M} was asked for; give an end that is to "
                f"come, within {LONGEST.days} days"
            )
        if (size := len(state.encode())) > MAX_BYTES:
            raise LimitExceededError(
                f"the state has {size} bytes and {MAX_BYTES} are kept; take annotations or "
                "segments out of it"
            )
        row = {
            "serial": secrets.token_urlsafe(16),
            "user": user,
            "state": state,
            "for_users": for_users,
            "title": title,
            "created_at": moment,
            "ends_at": ends_at,
        }
        with self.database.write() as connection:
            connection.execute(delete(viewer_states).where(viewer_states.c.ends_at <= moment))
            of_user = select(func.count()).select_from(viewer_states).where(_is_of(user))
            if connection.execute(of_user).scalar_one() >= MAX_STATES:
                raise LimitExceededError(
                    f"you share {MAX_STATES} states, which is the most; delete some"
                )
            connection.execute(insert(viewer_states).values(row))
            return _find(connection, viewer_states.c.serial == row["serial"])

    def get(self, serial: str) -> SharedState:
        """Return a state that is not over; raise NotFoundError if there is none."""
        with self.database.read() as connection:
            return _find(connection, viewer_states.c.serial == serial)

    def text(self, serial: str) -> str:
        """Return the JSON of a state that is not over; raise NotFoundError if there is none."""
        which = viewer_states.c.serial == serial, viewer_states.c.ends_at > now()
        with self.database.read() as connection:
            state = connection.execute(select(viewer_states.c.state).where(*which)).scalar()
        if state is None:
            raise no_state()
        return str(state)

    def list_states(
        self, user: int | None, *, limit: int | None = None, after: int = 0
    ) -> list[SharedState]:
        """Return the states of a user that are not over, the oldest first."""
        with self.database.read() as connection:
            return _read(connection, _is_of(user), viewer_states.c.id > after, limit=limit)

    def delete(self, serial: str) -> None:
        """Forget a state; none is no error."""
        with self.database.write() as connection:
            connection.execute(delete(viewer_states).where(viewer_states.c.serial == serial))


def _is_of(user: int | None) -> ColumnElement[bool]:
    return viewer_states.c.user.is_(None) if user is None else viewer_states.c.user == user


def _find(connection: Connection, which: ColumnElement[bool]) -> SharedState:
    for state in _read(connection, which):
        return state
    raise no_state()


def _read(
    connection: Connection, *which: ColumnElement[bool], limit: int | None = None
) -> list[SharedState]:
    query = select(*_LISTED).where(viewer_states.c.ends_at > now(), *which)
    query = query.order_by(viewer_states.c.id).limit(limit)
    return [_state_of(row) for row in connection.execute(query)]


def _state_of(row: Row[tuple[Any, ...]]) -> SharedState:
    return SharedState(**row._asdict())


def no_state() -> NotFoundError:
    """Return the error that a state is not there, or not for whoever asks."""
    return NotFoundError(
        "there is no such state: it was deleted, is over, or never was; ask whoever shared it"
    )
