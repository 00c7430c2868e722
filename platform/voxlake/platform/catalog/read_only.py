"""Read a catalog that lies where nothing can be written: a read-only mount, another's lake."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.engine import URL

from voxlake.platform.catalog.migrate import REVISIONS, revision_of
from voxlake.platform.errors import StoreReadOnlyError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.database import Database


def is_writable(file: Path) -> bool:
    """Return whether SQLite can write a file: it needs others beside it."""
    return os.access(file.parent, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))


def read_only_url(file: Path) -> URL:
    """Return the address of a SQLite file that is read and nothing else.

    SQLite reads what is committed beside the file (in ``-wal``) if the index of it (``-shm``) is
    there; without either the file is all there is, and is taken for one that nobody changes.

    Raises
    ------
    StoreReadOnlyError
        If what was committed last cannot be read.
    """
    wal, index = (file.with_name(file.name + end) for end in ("-wal", "-shm"))
    written = wal.exists() and wal.stat().st_size > 0
    if written and not index.exists():
        raise StoreReadOnlyError(
            f"the catalog {file} was left by a process that was killed, and what it wrote last is "
            "beside it; open the lake once where it can be written, with: voxlake ls"
        )
    query = {"uri": "true"} | ({"mode": "ro"} if written else {"immutable": "1"})
    return URL.create("sqlite", database=f"file:{quote(str(file))}", query=query)


def check_revision(database: Database) -> None:
    """Raise UnsupportedError if the tables are of another version, which cannot be changed here."""
    with database.read() as connection:
        found = revision_of(connection)
    if found != REVISIONS[-1]:
        raise UnsupportedError(
            f"the catalog in {database.title} is of revision {found}, and this voxlake reads "
            f"{REVISIONS[-1]}; it cannot be written here: open the lake once where it can"
        )
