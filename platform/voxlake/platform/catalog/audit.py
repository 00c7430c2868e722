"""The audit: who changed what of people, rights and names, and when. It is only added to.

What is older than it is kept goes (see `voxlake.platform.catalog.retention`), and that is an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select

from voxlake.platform.catalog.tables import audit
from voxlake.platform.database import Database, now

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change."""

    id: int
    """Rises with time."""
    at: datetime
    by: str
    """Who made it: a user, or the login name of whoever ran a command."""
    action: str
    """What was done, in a few words of which the last is the kind of thing: ``revoke token``."""
    subject: str
    """To what: as it was called then."""
    node: int | None
    """The node that it is about, if it is about one."""
    detail: str
    """What there is to say besides."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of a lake. Its methods may be called from any thread."""

    database: Database

    def list_entries(
        self, *, limit: int = 100, before: int | None = None, node: int | None = None
    ) -> list[AuditEntry]:
        """Return the newest entries, or the newest of those before one, newest first.

        With `node`, those that are about it.
        """
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if node is not None:
            query = query.where(audit.c.node == node)
        with self.database.read() as connection:
            return list(map(_entry_of, connection.execute(query)))


@dataclass(frozen=True, slots=True)
class Writer:
    """A database, and who changes it."""

    database: Database
    by: str

    def note(
        self,
        connection: Connection,
        action: str,
        subject: str,
        *,
        node: int | None = None,
        detail: str = "",
    ) -> None:
        """Put down a change, in the transaction that makes it."""
        entry = {"at": now(), "by": self.by, "action": action, "subject": subject}
        connection.execute(insert(audit).values(entry | {"node": node, "detail": detail}))


def _entry_of(row: Row[tuple[Any, ...]]) -> AuditEntry:
    return AuditEntry(**row._asdict())
