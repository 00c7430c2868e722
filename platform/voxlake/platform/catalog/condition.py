"""How the database of a catalog is: its tables, its clock. Nothing is made or changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.platform.catalog.migrate import REVISIONS, revision_of
from voxlake.platform.database import now
from voxlake.platform.jobs.leases import database_time

if TYPE_CHECKING:
    from voxlake.platform.database import Database

NEWEST = REVISIONS[-1]
"""The revision of the tables that this version works with."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The state of a database."""

    revision: str | None
    """Of its tables; None: it has none."""
    ahead_s: float
    """Seconds that its clock is ahead of that of this machine."""

    @property
    def is_older(self) -> bool:
        """Whether this version brings its tables up to date, as soon as it opens the catalog."""
        return self.revision in REVISIONS[:-1]


def condition_of(database: Database) -> Condition:
    """Return how a database is.

    Raises
    ------
    StoreError
        If it cannot be reached.
    CorruptDataError
        If it is a file that is no database.
    """
    file = database.engine.url.database
    if database.is_sqlite and file is not None and not _is_there(file):
        return Condition(None, 0.0)
    with database.read() as connection:
        began = now()
        ahead = (database_time(connection) - began).total_seconds()
        return Condition(revision_of(connection), 0.0 if database.is_sqlite else ahead)


def _is_there(file: str) -> bool:
    return file.startswith("file:") or Path(file).exists()
