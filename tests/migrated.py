"""Tables of a new catalog without its migrations: those of one that went through them, copied."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import psycopg
from sqlalchemy import inspect

from voxlake.platform.catalog import migrate
from voxlake.platform.database import open_database
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from sqlalchemy import Connection

    from voxlake.platform.database import Database


def migrated_database(url: str) -> str:
    """Give an empty PostgreSQL database the tables of this version, and return its URL."""
    with closing(open_database(url, Settings())) as database, database.write() as connection:
        migrate._upgrade(database, connection)
    return url


def has_catalog(url: str) -> bool:
    """Return whether a lake has its catalog in a migrated database."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM lake").fetchone() is not None


_AROUND = {"BEGIN TRANSACTION;", "COMMIT;"}


@dataclass
class CopiedTables:
    """Upgrade databases by `upgrade`, but make the tables of an empty SQLite file as before."""

    upgrade: Callable[[Database, Connection], None]
    statements: list[str] = field(default_factory=list)

    def __call__(self, database: Database, connection: Connection) -> None:
        """Bring a database to the tables of this version, within its transaction."""
        if migrate.revision_of(connection) == migrate.REVISIONS[-1]:
            return
        if not database.is_sqlite or inspect(connection).get_table_names():
            self.upgrade(database, connection)
        elif self.statements:
            for statement in self.statements:
                connection.exec_driver_sql(statement)
        else:
            self.upgrade(database, connection)
            raw = cast("sqlite3.Connection", connection.connection.driver_connection)
            dumped = [line for line in raw.iterdump() if line not in _AROUND]
            # Rows point at tables that may be dumped after them.
            self.statements = sorted(dumped, key=lambda line: not line.startswith("CREATE TABLE"))
