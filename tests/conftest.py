"""Fixtures for all tests: stores of every kind, real servers, a lake; and how tests are run."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from httpx2._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from tests import installations
from tests.installations import Installation
from tests.migrated import CopiedTables, has_catalog, migrated_database
from tests.servers import folders
from tests.servers.azurite.azurite import ACCOUNT_KEY, AzureServer, run_azurite
from tests.servers.gcs import GcsServer, run_gcs
from tests.servers.nanoidp import NanoIdp, run_nanoidp
from tests.servers.oidc_provider.provider import run_oidc_provider
from tests.servers.postgres import create_database, run_postgres
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server, run_s3
from tests.servers.shared import SharedServers, ask_for_server

from voxlake.ngff.memory.disk import DISK, DiskCache
from voxlake.ngff.reading.loading import load_reader
from voxlake.platform.catalog import migrate
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, adapters, process

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {
    "azurite": run_azurite,
    "gcs": run_gcs,
    "nanoidp": run_nanoidp,
    "oidc-provider": run_oidc_provider,
    "postgres": lambda _: run_postgres(),
    "s3": run_s3,
}
MOST_PROCESSES = 4
"""Tests that kill processes or watch the clock want a core for each."""

# Fixtures stay the same over the examples of a property on purpose: servers are costly.
# Every run tries other examples, in CI too; its seed is said, and VOXLAKE_SEED replays it.
hypothesis_settings.register_profile(
    "voxlake",
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("voxlake")

_servers = pytest.StashKey[SharedServers]()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One file is tried in this process, more in one process more than there are cores.

    A third of the time of tests is waiting: for clocks, servers, and what was killed to come back.
    """
    if len(config.args) == 1 and Path(config.args[0].partition("::")[0]).is_file():
        return 0
    return min(len(os.sched_getaffinity(0)) + 1, MOST_PROCESSES)


@pytest.fixture(autouse=True, scope="session")
def _reader_loaded() -> None:
    """Let our own threads read, as they do in a server, from the first test on."""
    load_reader()


@pytest.fixture(autouse=True, scope="session")
def _patient_clients() -> Iterator[None]:
    """Let clients of tests wait for an answer as long as a busy machine takes."""
    with pytest.MonkeyPatch.context() as patch:
        for waited_for in ("connect", "read", "write", "pool"):
            patch.setattr(DEFAULT_TIMEOUT_CONFIG, waited_for, 60)
        yield


@pytest.fixture(autouse=True, scope="session")
def _migrated_once() -> Iterator[None]:
    """Make the tables of new SQLite catalogs as those of the first: each migration takes time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "_upgrade", CopiedTables(migrate._upgrade))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed of the run, and make shared servers ready to be asked for."""
    if hasattr(config, "workerinput"):
        config.option.hypothesis_seed = config.workerinput["seed"]
        return
    installations.check()
    if config.option.hypothesis_seed is None:
        seed = os.environ.get("VOXLAKE_SEED") or str(random.SystemRandom().getrandbits(32))
        config.option.hypothesis_seed = seed
    # A run that is told to end ends as by Ctrl-C, and leaves no server behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.stash[_servers] = SharedServers(SERVERS)


def pytest_configure_node(node: Any) -> None:
    """Tell a process of the run its seed, and where to ask for servers."""
    node.workerinput["seed"] = node.config.option.hypothesis_seed
    node.workerinput["servers"] = node.config.stash[_servers].address


def pytest_testnodedown(node: Any) -> None:
    """Hear of a process of the run what it chose."""
    installations.hear(node)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what runs."""
    if _servers in config.stash:
        config.stash[_servers].stop()


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Say the seed."""
    yield
    _say_seed(session.config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Say the seed once more where something failed; and what was tried on servers."""
    if exitstatus:
        _say_seed(terminalreporter.config)
    installations.say(terminalreporter)


def _say_seed(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        seed = config.option.hypothesis_seed
        reporter.write_line(f"random examples of seed {seed}: VOXLAKE_SEED={seed} replays them")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files whose tests may take longest, so that none of them runs alone at last.

    A file is given to one process whole, as its tests share what they need. On servers those are
    run that have a lake there.
    """
    installations.choose(config, items)
    most: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        most[item.path] = max(most.get(item.path, 0), float(mark.args[0]) if mark else 0)
    items.sort(key=lambda item: -most[item.path])


@pytest.fixture(autouse=True)
def _fresh_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shield tests from the settings of whoever runs them, and from one another's."""
    for name in os.environ:
        if name.startswith(("VOXLAKE_", "AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)
    forget_stores()
    yield
    forget_stores()


def forget_stores() -> None:
    """Drop what the process keeps of settings and open stores."""
    process.prepare_process.cache_clear()
    adapters._bucket.cache_clear()


@pytest.fixture
def lake(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> StoreURL:
    """An empty lake in a local folder; on S3 with PostgreSQL if `make installations` says so."""
    if installations.is_on_servers(request.node):
        url = request.getfixturevalue("s3_store")
        monkeypatch.setenv("VOXLAKE_DATABASE_URL", request.getfixturevalue("_database_of_lake"))
        assert isinstance(url, StoreURL)
        return url
    folder = tmp_path / "lake"
    folder.mkdir()
    return StoreURL.parse(str(folder))


@pytest.fixture(scope="module")
def reaching_lakes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let processes that are started for all tests of a module reach the lake of each."""
    with pytest.MonkeyPatch.context() as patch:
        if installations.HERE == Installation.SERVERS:
            prefix_on(request.getfixturevalue("s3_server"), patch)
        yield


@pytest.fixture
def disk_cache(tmp_path: Path) -> Iterator[DiskCache]:
    """The cache on a disk of this process, open."""
    DISK.open(tmp_path / "disk-cache", 64 << 20)
    yield DISK
    DISK.close()


@pytest.fixture
def memory_store() -> Iterator[StoreURL]:
    """An empty store in memory."""
    url = StoreURL.parse(f"memory://test-{uuid4().hex}")
    url.path.mkdir()
    yield url
    shutil.rmtree(url.path, ignore_errors=True)


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that refuses writes."""
    with folders.read_only_folder(tmp_path / "read-only") as folder:
        yield folder


@pytest.fixture
def small_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 1 MiB."""
    with folders.small_folder(tmp_path / "small", 1 << 20) as folder:
        yield folder


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> str:
    """Where to ask for the servers of this run."""
    if hasattr(request.config, "workerinput"):
        return str(request.config.workerinput["servers"])
    return request.config.stash[_servers].address


@pytest.fixture(scope="session")
def s3_server(servers: str) -> S3Server:
    """A real S3 server."""
    server = ask_for_server(servers, "s3")
    assert isinstance(server, S3Server)
    return server


@pytest.fixture
def s3_store(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """An empty prefix of a bucket on a real S3 server, with the environment set for it.

    The environment reaches child processes as well.
    """
    return prefix_on(s3_server, monkeypatch)


def prefix_on(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """Return an empty prefix of the server's bucket, and set the environment for it."""
    monkeypatch.setenv("VOXLAKE_S3_ENDPOINT", server.endpoint)
    monkeypatch.setenv("VOXLAKE_S3_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", SECRET_KEY)
    # Libraries that users read with take these; `prepare_process` sets them too, for good.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    forget_stores()
    return StoreURL.parse(f"s3://{server.bucket}/{uuid4().hex}")


@pytest.fixture(scope="session")
def gcs_server(servers: str) -> GcsServer:
    """An emulator of Google Cloud Storage."""
    server = ask_for_server(servers, "gcs")
    assert isinstance(server, GcsServer)
    return server


@pytest.fixture
def gcs_store(gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """An empty prefix of its bucket, with the environment set for it."""
    monkeypatch.setenv("VOXLAKE_GCS_ENDPOINT", gcs_server.endpoint)
    forget_stores()
    return StoreURL.parse(f"gs://{gcs_server.bucket}/{uuid4().hex}")


@pytest.fixture(scope="session")
def azure_server(servers: str) -> AzureServer:
    """An emulator of Azure Blob Storage."""
    server = ask_for_server(servers, "azurite")
    assert isinstance(server, AzureServer)
    return server


@pytest.fixture
def azure_store(azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """An empty prefix of its container, with the environment set for it."""
    monkeypatch.setenv("VOXLAKE_AZURE_ENDPOINT", azure_server.endpoint)
    monkeypatch.setenv("VOXLAKE_AZURE_ACCOUNT_KEY", ACCOUNT_KEY)
    forget_stores()
    return StoreURL.parse(f"az://{azure_server.container}/{uuid4().hex}")


@pytest.fixture(params=["file", "memory", "s3"])
def any_store(request: pytest.FixtureRequest) -> StoreURL:
    """An empty store of each kind."""
    kinds = {"file": "lake", "memory": "memory_store", "s3": "s3_store"}
    url = request.getfixturevalue(kinds[request.param])
    assert isinstance(url, StoreURL)
    return url


@pytest.fixture(scope="session")
def postgres_server(servers: str) -> str:
    """A real PostgreSQL server, by the URL of its first database."""
    return str(ask_for_server(servers, "postgres"))


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database."""
    return create_database(postgres_server)


@pytest.fixture(scope="session")
def _migrated_url(postgres_server: str) -> str:
    """A PostgreSQL database with the tables of this version, which is only copied."""
    return migrated_database(create_database(postgres_server))


@pytest.fixture
def catalog_url(postgres_server: str, _migrated_url: str) -> str:
    """A PostgreSQL database with the tables of this version, and nothing in them."""
    return create_database(postgres_server, _migrated_url)


@pytest.fixture(scope="session")
def _unused_databases() -> list[str]:
    """Databases like those of `catalog_url` in which tests before made no catalog."""
    return []


@pytest.fixture
def _database_of_lake(
    postgres_server: str, _migrated_url: str, _unused_databases: list[str]
) -> Iterator[str]:
    """A database like that of `catalog_url`: most tests of a lake need none, and it takes time."""
    if _unused_databases:
        url = _unused_databases.pop()
    else:
        url = create_database(postgres_server, _migrated_url)
    yield url
    if not has_catalog(url):
        _unused_databases.append(url)


@pytest.fixture(scope="session")
def nanoidp(servers: str) -> NanoIdp:
    """A real issuer; who rotates its keys or ends it runs one of their own."""
    server = ask_for_server(servers, "nanoidp")
    assert isinstance(server, NanoIdp)
    return server


@pytest.fixture(scope="session")
def oidc_provider(servers: str) -> str:
    """A strict issuer, by its address."""
    return str(ask_for_server(servers, "oidc-provider"))


@pytest.fixture(params=["sqlite", "postgres"])
def any_database(request: pytest.FixtureRequest) -> Settings:
    """Settings for a catalog on each kind of database, with a lake's default and nothing in it.

    PostgreSQL has the tables already: its migrations take longer than most tests.
    """
    if request.param == "sqlite":
        return Settings()
    return Settings(database_url=request.getfixturevalue("catalog_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest) -> Settings:
    """Settings for a catalog on each kind of database, with a lake's default and without tables."""
    if request.param == "sqlite":
        return Settings()
    return Settings(database_url=request.getfixturevalue("postgres_url"))
