"""Tokens: made once, shown once, kept as hashes; who carries one is its user, or less."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, update

from voxlake.platform.access import Permission, Principal, Way
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.identity.identities import lasting_groups
from voxlake.platform.catalog.identity.people import find_user, principal_of
from voxlake.platform.catalog.identity.token_text import SHOWN, check_token, digest_of, new_token
from voxlake.platform.catalog.rights.grants import bits_of, permissions_of
from voxlake.platform.catalog.tables import tokens, users
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from voxlake.platform.nodes.tree import KINDS, ROOT, nodes

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

_DEEP = len(KINDS) + 1
_above = [nodes.alias(f"above{up}") for up in range(_DEEP)]
_named = [
    column
    for up, each in enumerate(_above)
    for column in (each.c.id.label(f"id{up}"), each.c.name.label(f"name{up}"))
]
_joined = tokens.join(users, users.c.id == tokens.c.user)
for _up, _node in enumerate(_above):
    _below = _above[_up - 1].c.parent if _up else tokens.c.node
    _joined = _joined.outerjoin(_node, _node.c.id == _below)
_tokens = select(tokens, users.c.name.label("user_name"), *_named).select_from(_joined)
"""Tokens with whose they are, and with the nodes from their own up to the lake."""

_NOTED = timedelta(seconds=60)
"""How long a use of a token is not noted after the one before: a note is a write."""


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a token is good for."""

    permissions: frozenset[Permission] = frozenset(Permission)
    """What may be used with it at most; its user may have less."""
    node: int | None = None
    """The node that it is good for, with all below it; None: all that its user has."""
    ends_at: datetime | None = None
    """When it is over; None: never."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was made. Its secret is known to whoever it was shown to, and to nobody else."""

    id: int
    user: str
    name: str
    """What its user knows it by."""
    start: str
    """How it begins, to tell it from others."""
    terms: TokenTerms
    path: tuple[int, ...]
    """The ids of the nodes from the lake down to the one that it is good for; none: for all."""
    place: str | None
    """What that is called; None: all."""
    created_at: datetime
    used_at: datetime | None
    """When it was used last, to the minute; None: never."""
    revoked_at: datetime | None

    def check(self, moment: datetime) -> None:
        """Raise UnauthenticatedError if it is over or revoked."""
        over = self.terms.ends_at is not None and self.terms.ends_at <= moment
        if over or self.revoked_at is not None:
            what = "is over" if over else "was revoked"
            raise UnauthenticatedError(f"token {self.name} ({self.start}...) {what}; ask for one")


@dataclass(frozen=True, slots=True)
class Tokens(Writer):
    """The tokens of a lake's users. Its methods may be called from any thread."""

    def make(self, user: str, name: str, terms: TokenTerms | None = None) -> tuple[Token, str]:
        """Make a token of a user; return it, and the secret, which is not kept.

        Raises
        ------
        NotFoundError
            If there is no such user.
        InvalidInputError
            If the token would be good for nothing.
        """
        terms = terms or TokenTerms()
        if not terms.permissions or (terms.ends_at is not None and terms.ends_at <= now()):
            raise InvalidInputError(
                f"token {name!r} would be good for nothing; give it a permission, and an end that "
                "is to come"
            )
        with self.database.write() as connection:
            made = _insert(connection, find_user(connection, user).id, name, terms)
            self.note(connection, "make token", str(made[0].id), detail=f"{name} of {user}")
            return made

    def get(self, token: int) -> Token:
        """Return a token; raise NotFoundError if there is none."""
        with self.database.read() as connection:
            return _find(connection, token)

    def list_tokens(
        self, user: str | None = None, *, limit: int | None = None, after: int = 0
    ) -> list[Token]:
        """Return tokens, the oldest first: all or those of a user, or some of those after one."""
        which = [] if user is None else [users.c.name == user]
        with self.database.read() as connection:
            return _read(connection, tokens.c.id > after, *which, limit=limit)

    def revoke(self, token: int) -> Token:
        """Let a token be good for nothing from now on; raise NotFoundError if there is none."""
        with self.database.write() as connection:
            _find(connection, token)
            _revoke(connection, token)
            self.note(connection, "revoke token", str(token))
            return _find(connection, token)

    def rotate(self, token: int) -> tuple[Token, str]:
        """Revoke a token and make another like it; return that, and its secret.

        Raises
        ------
        NotFoundError
            If there is none.
        UnauthenticatedError
            If it is over or revoked.
        """
        with self.database.write() as connection:
            old = _find(connection, token)
            old.check(now())
            _revoke(connection, token)
            user = find_user(connection, old.user)
            made = _insert(connection, user.id, old.name, old.terms)
            self.note(connection, "rotate token", str(token), detail=f"now {made[0].id}")
            return made

    def principal_of(self, secret: str) -> Principal:
        """Return who carries a token, limited to what it is good for, and note that it was used.

        Raises
        ------
        UnauthenticatedError
            If it is no token, was never made, is over or revoked, or its user is disabled.
        """
        check_token(secret)
        moment = now()
        with self.database.read() as connection:
            token = next(iter(_read(connection, tokens.c.digest == digest_of(secret))), None)
            if token is None:
                raise UnauthenticatedError("the token is none of this lake; ask for one")
            token.check(moment)
            theirs = find_user(connection, token.user)
            user = principal_of(connection, theirs, lasting_groups(connection, theirs.id))
        if token.used_at is None or token.used_at <= moment - _NOTED:
            with self.database.write() as connection:
                used = update(tokens).where(tokens.c.id == token.id)
                connection.execute(used.values(used_at=moment))
        terms = token.terms
        return replace(
            user,
            permissions=terms.permissions,
            within=terms.node,
            ends_at=terms.ends_at,
            way=Way.TOKEN,
        )


def _insert(connection: Connection, user: int, name: str, terms: TokenTerms) -> tuple[Token, str]:
    secret = new_token()
    row = {
        "user": user,
        "name": name,
        "start": secret[:SHOWN],
        "digest": digest_of(secret),
        "permissions": bits_of(terms.permissions),
        "node": terms.node,
        "created_at": now(),
        "ends_at": terms.ends_at,
    }
    made = connection.execute(insert(tokens).values(row).returning(tokens.c.id)).scalar_one()
    return _find(connection, made), secret


def _revoke(connection: Connection, token: int) -> None:
    live = update(tokens).where(tokens.c.id == token, tokens.c.revoked_at.is_(None))
    connection.execute(live.values(revoked_at=now()))


def _find(connection: Connection, token: int) -> Token:
    for found in _read(connection, tokens.c.id == token):
        return found
    raise no_token(token)


def no_token(token: int) -> NotFoundError:
    """Return the error that there is no such token, or none that the asker may know of."""
    return NotFoundError(f"there is no token {token}; list what there is with 'voxlake token'")


def _read(
    connection: Connection, *which: ColumnElement[bool], limit: int | None = None
) -> list[Token]:
    query = _tokens.where(*which).order_by(tokens.c.id).limit(limit)
    return [_token_of(row) for row in connection.execute(query)]


def _token_of(row: Row[tuple[Any, ...]]) -> Token:
    above = [(getattr(row, f"id{up}"), getattr(row, f"name{up}")) for up in reversed(range(_DEEP))]
    path = [(node, name) for node, name in above if node is not None]
    names = [name for node, name in path if node != ROOT]
    return Token(
        id=row.id,
        user=row.user_name,
        name=row.name,
        start=row.start,
        terms=TokenTerms(permissions_of(row.permissions), row.node, row.ends_at),
        path=tuple(node for node, _ in path),
        place=("/".join(names) or "/") if path else None,
        created_at=row.created_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
