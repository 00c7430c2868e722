"""Bring a database to the tables of this version: once, by one process, all or nothing."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, inspect, select, text

from voxlake.platform.catalog.tables import lake as lake_table
from voxlake.platform.errors import ConflictError, StoreReadOnlyError, UnsupportedError
from voxlake.platform.store.local.private import make_private
from voxlake.platform.store.objects import make_folder

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from voxlake.platform.database import Database
    from voxlake.platform.store import StoreURL

REVISIONS = (
    *(f"{number:04}" for number in range(1, 15)),
    "0016",
    "0017",
    "0018",
    "0021",
    "0023",
    "0024",
    "0025",
    "0026",
    "0027",
    "0028",
    "0031",
)
"""Every revision of the tables that this version knows, oldest first."""

_ADVISORY_LOCK = 0x766F786C616B65
"""PostgreSQL lock of whoever migrates ("voxlake" in ASCII)."""


def migrate(database: Database, lake: StoreURL, *, owned: bool) -> None:
    """Make or upgrade the tables, and note whose catalog it is; safe from many processes at once.

    Parameters
    ----------
    database
        What to bring up to date.
    lake
        The lake that it must be, or become, the catalog of.
    owned
        Whether the database lies at a place that belongs to this lake alone; then a lake that was
        moved or copied, with its database in it, takes its new address.
    """
    with _alone(database):
        with database.read() as connection:
            current = revision_of(connection)
            known = current == REVISIONS[-1] and _lake_of(connection) == address_of(lake)
        if known:
            return
        if current is not None and current not in REVISIONS:
            raise UnsupportedError(
                f"the catalog in {database.title} has revision {current}, made by a newer voxlake; "
                f"this one knows up to {REVISIONS[-1]}: upgrade voxlake"
            )
        with database.write() as connection:
            _upgrade(database, connection)
            _claim(connection, database, lake, owned=owned)


def address_of(lake: StoreURL) -> str:
    """Return the lake's address without what does not tell lakes apart (its region)."""
    return str(lake) if lake.is_local else f"{lake.endpoint or 'aws'}/{lake.root}/{lake.key}"


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold a lock on the folder of a SQLite file while the file is made.

    Switching a file to WAL fails at once, whatever the time-out, if another process does the same.
    """
    path = database.engine.url.database
    if not database.is_sqlite or path is None:
        yield
        return
    folder = Path(path).absolute().parent
    try:
        make_folder(folder)
        # It holds names, jobs and who may do what. Files beside it take its permissions.
        make_private(Path(path))
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StoreReadOnlyError(
            f"cannot make the catalog in {database.title}: {error}; check the folder's permissions"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _use_wal(database)
        yield
    finally:
        os.close(descriptor)


def _use_wal(database: Database) -> None:
    """Let readers and a writer work at once; the file remembers it."""
    with database.read() as connection:
        raw = cast("sqlite3.Connection", connection.connection.driver_connection)
        # Past SQLAlchemy, which would begin a transaction first: SQLite refuses it inside one.
        raw.execute("PRAGMA journal_mode=WAL")


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the tables; None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _lake_of(connection: Connection) -> str | None:
    return connection.execute(select(lake_table.c.url)).scalar()


def _upgrade(database: Database, connection: Connection) -> None:
    # Loaded only where there is something to do: it costs more than opening the catalog.
    from alembic import command
    from alembic.config import Config

    if not database.is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    config = Config()
    config.set_main_option("script_location", "voxlake.platform.catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, REVISIONS[-1])


def _claim(connection: Connection, database: Database, lake: StoreURL, *, owned: bool) -> None:
    owner = _lake_of(connection)
    if owner is not None and owner != address_of(lake) and not owned:
        raise ConflictError(
            f"{database.title} is the catalog of lake {owner}, not of {address_of(lake)}; "
            "give VOXLAKE_DATABASE_URL of a database of its own"
        )
    change = lake_table.insert() if owner is None else lake_table.update()
    connection.execute(change.values(id=1, url=address_of(lake)))
