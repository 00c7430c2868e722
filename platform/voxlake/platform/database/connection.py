"""Connections and transactions, with the same rules on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from voxlake.platform.database.failures import explain_database_error
from voxlake.platform.errors import InvalidInputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.engine import URL

    from voxlake.platform.settings import Settings

_LOCK_WAIT_S = 30
"""Longest wait for another writer of the same SQLite file."""


_OTHER_WAYS = ("sort", "hashjoin", "mergejoin", "parallel_append", "gathermerge")
_IN_ORDER = "; ".join(f"SET LOCAL enable_{way} = off" for way in _OTHER_WAYS)
"""Has PostgreSQL go along an index until it has enough rows. By itself it takes a tree of names for
much smaller than it is, makes all rows and sorts them: 700 ms for 100 of 100,000 datasets."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. Its methods may be called from any thread."""

    engine: Engine
    title: str
    """What error messages call it: no user, no password."""
    turn: AbstractContextManager[Any] = field(repr=False)
    """Threads of one process queue here for SQLite's one writer, instead of polling for it."""

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self, *, in_order: bool = False) -> Iterator[Connection]:
        """Yield a connection that sees one consistent state.

        Parameters
        ----------
        in_order
            Whether only the first rows of long lists are asked for, in the order of an index.

        Raises
        ------
        VoxlakeError
            For whatever the database refuses or fails at; SQLAlchemy's own errors never leave.
        """
        with self._failures("read"), self.engine.connect() as connection:
            if in_order and not self.is_sqlite:
                connection.exec_driver_sql(_IN_ORDER)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a transaction: committed at the end, rolled back on an error.

        On SQLite it holds the write lock from the start, so that what it reads cannot change
        before it writes.
        """
        with self._failures("write"), self.turn, self.engine.connect() as connection:
            connection.execution_options(voxlake_write=True)
            with connection.begin():
                yield connection

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that can say what to do ON CONFLICT."""
        if self.is_sqlite:
            return sqlite.insert(table)
        # Loaded only where it is spoken: it takes as long as all the rest of a start.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _failures(self, action: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise explain_database_error(action, self.title, error) from error


def open_database(url: str | URL, settings: Settings) -> Database:
    """Return the database at a SQLAlchemy `url`; nothing is connected to yet.

    Raises
    ------
    InvalidInputError
        If the URL is malformed.
    UnsupportedError
        If it is neither SQLite nor PostgreSQL.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": _LOCK_WAIT_S})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Database(engine, f"SQLite file {parsed.database}", Lock())
    engine = create_engine(parsed, pool_pre_ping=True, connect_args=_postgres_limits(settings))
    place = f"{parsed.host or 'localhost'}/{parsed.database or ''}"
    return Database(engine, f"PostgreSQL database {place}", nullcontext())


def _parse(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InvalidInputError(
            "the database URL is malformed; write postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from error
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+pysqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise UnsupportedError(
                f"a catalog on {other!r} is not supported; use postgresql:// or sqlite:///"
            )


def _postgres_limits(settings: Settings) -> dict[str, Any]:
    stall = settings.store_stall_timeout_s
    return {
        # libpq takes whole seconds, and 1 as 2.
        "connect_timeout": max(2, round(settings.store_connect_timeout_s)),
        "tcp_user_timeout": round(stall * 1000),
        "keepalives_idle": max(1, round(stall)),
        "application_name": "voxlake",
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # sqlite3.Connection behind SQLAlchemy's pool. None: transactions begin where we say so.
    connection.isolation_level = None
    # FULL: what is committed is on the disk. NORMAL syncs a WAL at checkpoints only, so that a
    # power cut takes the commits since then, whatever was said of them.
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once if another wrote in between,
    # however long the time-out; one that is going to write therefore takes the lock first.
    writes = connection.get_execution_options().get("voxlake_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
