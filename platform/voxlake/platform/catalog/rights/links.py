"""Links: whoever holds one reads one dataset, or a part of it, with the rights of its maker.

A link has no rights of its own. It is good for as long as its maker may read the dataset and say
who else may.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, update

from voxlake.platform.access import Decision, Permission, Principal, Protected, Way
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.data.datasets import find_record, is_there, list_records
from voxlake.platform.catalog.identity.people import find_user, principal_of
from voxlake.platform.catalog.rights.grants import read_grants
from voxlake.platform.catalog.tables import datasets, links, users
from voxlake.platform.database import now
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from voxlake.platform.portion import WHOLE, Portion

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.catalog.data.record import DatasetRecord
    from voxlake.platform.names import DatasetName

LONGEST = timedelta(days=366)
"""How long a link is good at most."""
USUAL = timedelta(days=30)
"""How long it is good if nobody says."""
MOST_CHARACTERS = 200
"""Of its note, and of its title."""
_BREAKS = re.compile(r"[\x00-\x1f\x7f]")
"""What no line has."""
READS = frozenset({Permission.READ, Permission.READ_VOLUMETRIC_DATA})
"""What may be done with a link."""
SHARES = READS | {Permission.ASSIGN_GROUP}
"""What its maker must be allowed to do."""


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """What a link is good for."""

    ends_at: datetime
    portion: Portion = WHOLE
    note: str = ""
    """What its maker knows it by."""
    title: str = ""
    """What those who have it are shown."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was made."""

    id: int
    serial: str
    """What its token says which link it is by; random."""
    user: str | None
    """Whose rights it carries; None: those of the lake's owner."""
    node: int
    """The dataset that it leads to."""
    terms: LinkTerms
    created_at: datetime
    revoked_at: datetime | None

    def check(self, moment: datetime) -> None:
        """Raise UnauthenticatedError if it is over or revoked."""
        if self.revoked_at is not None or self.terms.ends_at <= moment:
            what = "is over" if self.revoked_at is None else "was revoked"
            raise UnauthenticatedError(f"the link {what}; ask whoever made it for another")


@dataclass(frozen=True, slots=True)
class Links(Writer):
    """The links to a lake's datasets. Its methods may be called from any thread.

    Every method raises NotFoundError for a dataset, a user or a link that there is not.
    """

    def make(self, name: DatasetName, user: str | None, terms: LinkTerms) -> Link:
        """Make a link to a dataset that carries the rights of a user, or of the lake's owner.

        Raises
        ------
        InvalidInputError
            If it would end before it begins, or last longer than `LONGEST`; or its note or title
            is no line of `MOST_CHARACTERS`.
        ForbiddenError
            If the user may not read the dataset, or not say who else may.
        """
        if not timedelta() < terms.ends_at - now() <= LONGEST:
            raise InvalidInputError(
                f"a link until {terms.ends_at:%Y-%m-%d %H:%M} was asked for; give an end that is "
                f"to come, within {LONGEST.days} days"
            )
        _check_line("note", terms.note)
        _check_line("title", terms.title)
        with self.database.write() as connection:
            record = find_record(connection, name)
            if not _may_share(connection, _maker(connection, user), record):
                raise ForbiddenError(
                    f"{user} may not make links to {name}: who does has to be allowed to read its "
                    "voxels and to say who else may, by a share; ask its owner"
                )
            link = _insert(connection, record, user, terms)
            detail = f"{user or 'the owner'}, until {terms.ends_at:%Y-%m-%d %H:%M}, {terms.portion}"
            self.note(
                connection, "make link", f"{link.id} to {name}", node=link.node, detail=detail
            )
            return link

    def list_links(self, name: DatasetName) -> list[Link]:
        """Return all links to a dataset, the oldest first."""
        with self.database.read() as connection:
            return _read(connection, links.c.node == find_record(connection, name).node)

    def revoke(self, name: DatasetName, number: int) -> Link:
        """Let a link to a dataset be good for nothing from now on."""
        with self.database.write() as connection:
            which = links.c.node == find_record(connection, name).node, links.c.id == number
            if not _read(connection, *which):
                raise NotFoundError(f"there is no link {number} to {name}")
            live = update(links).where(*which, links.c.revoked_at.is_(None))
            connection.execute(live.values(revoked_at=now()))
            [link] = _read(connection, *which)
            self._note(connection, "revoke", link, name)
            return link

    def principal_of(self, serial: str) -> Principal:
        """Return who holds a link: its maker, limited to what the link is good for.

        Raises
        ------
        UnauthenticatedError
            If it was never made, is over or revoked, or its maker could not make it any more.
        """
        with self.database.read() as connection:
            for link in _read(connection, links.c.serial == serial):
                link.check(now())
                for record in list_records(connection, datasets.c.node == link.node, is_there):
                    return _limited(connection, link, record)
        raise UnauthenticatedError("the link leads to nothing; ask whoever made it for another")

    def title_of(self, serial: str) -> str:
        """Return the title of a link; empty if it has none, or there is no such link."""
        with self.database.read() as connection:
            title = connection.execute(select(links.c.title).where(links.c.serial == serial))
            return title.scalar() or ""

    def _note(self, connection: Connection, action: str, link: Link, name: DatasetName) -> None:
        whose, terms = link.user or "the owner", link.terms
        detail = f"of {whose}, until {terms.ends_at:%Y-%m-%d %H:%M}: {terms.portion}"
        subject = f"{link.id} to {name}"
        self.note(connection, f"{action} link", subject, node=link.node, detail=detail)


def _check_line(what: str, text: str) -> None:
    if len(text) > MOST_CHARACTERS or _BREAKS.search(text):
        raise InvalidInputError(
            f"a {what} of {len(text)} characters was given; give one line of {MOST_CHARACTERS} at "
            "most, without control characters"
        )


def _limited(connection: Connection, link: Link, record: DatasetRecord) -> Principal:
    try:
        maker = _maker(connection, link.user)
    except UnauthenticatedError:
        maker = None
    if maker is None or not _may_share(connection, maker, record):
        raise UnauthenticatedError(
            "the link is good for nothing: whoever made it may not share the dataset any more"
        )
    portion = link.terms.portion
    return replace(
        maker,
        name=f"link {link.id}",
        permissions=READS,
        within=link.node,
        user=None,
        ends_at=link.terms.ends_at,
        way=Way.LINK,
        portion=None if portion.is_whole else portion,
    )


def _maker(connection: Connection, user: str | None) -> Principal:
    if user is None:
        return Principal("owner", is_owner=True)
    return principal_of(connection, find_user(connection, user))


def _may_share(connection: Connection, maker: Principal, record: DatasetRecord) -> bool:
    protected = Protected(record, read_grants(connection, record.path))
    return all(protected.decide(maker, each) is Decision.ALLOWED for each in SHARES)


def _insert(
    connection: Connection, record: DatasetRecord, user: str | None, terms: LinkTerms
) -> Link:
    row = {
        "serial": secrets.token_urlsafe(16),
        "user": None if user is None else find_user(connection, user).id,
        "node": record.node,
        "note": terms.note,
        "title": terms.title,
        "finest_level": terms.portion.finest,
        "box": terms.portion.box_text(),
        "created_at": now(),
        "ends_at": terms.ends_at,
    }
    made = connection.execute(insert(links).values(row).returning(links.c.id)).scalar_one()
    [link] = _read(connection, links.c.id == made)
    return link


def _read(connection: Connection, *which: ColumnElement[bool]) -> list[Link]:
    query = select(links, users.c.name.label("user_name"))
    query = query.outerjoin(users, users.c.id == links.c.user).where(*which).order_by(links.c.id)
    return [_link_of(row) for row in connection.execute(query)]


def _link_of(row: Row[tuple[Any, ...]]) -> Link:
    return Link(
        id=row.id,
        serial=row.serial,
        user=row.user_name,
        node=row.node,
        terms=LinkTerms(row.ends_at, Portion.read(row.finest_level, row.box), row.note, row.title),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
