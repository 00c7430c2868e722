"""Fixtures for all tests: stores of every kind, real servers, a lake."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from tests.servers import folders
from tests.servers.postgres import create_database, run_postgres
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server, run_s3

from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, adapters, process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Fixtures stay the same over the examples of a property on purpose: servers are costly.
hypothesis_settings.register_profile(
    "ci", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _fresh_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shield tests from the settings of whoever runs them, and from one another's."""
    for name in os.environ:
        if name.startswith(("VOXLAKE_", "AWS_")):
            monkeypatch.delenv(name)
    forget_stores()
    yield
    forget_stores()


def forget_stores() -> None:
    """Drop what the process keeps of settings and open stores."""
    process.prepare_process.cache_clear()
    adapters._obstore.cache_clear()


@pytest.fixture
def lake(tmp_path: Path) -> StoreURL:
    """An empty lake in a local folder."""
    folder = tmp_path / "lake"
    folder.mkdir()
    return StoreURL.parse(str(folder))


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
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server."""
    with run_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_store(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """An empty prefix of a bucket on a real S3 server, with the environment set for it.

    The environment reaches child processes as well.
    """
    monkeypatch.setenv("VOXLAKE_S3_ENDPOINT", s3_server.endpoint)
    monkeypatch.setenv("VOXLAKE_S3_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", SECRET_KEY)
    # Libraries that users read with take these; `prepare_process` sets them too, for good.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    forget_stores()
    return StoreURL.parse(f"s3://{s3_server.bucket}/{uuid4().hex}")


@pytest.fixture(params=["file", "memory", "s3"])
def any_store(request: pytest.FixtureRequest) -> StoreURL:
    """An empty store of each kind."""
    kinds = {"file": "lake", "memory": "memory_store", "s3": "s3_store"}
    url = request.getfixturevalue(kinds[request.param])
    assert isinstance(url, StoreURL)
    return url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server, by the URL of its first database."""
    with run_postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database."""
    return create_database(postgres_server)


@pytest.fixture(params=["sqlite", "postgres"])
def any_database(request: pytest.FixtureRequest) -> Settings:
    """Settings for a catalog on each kind of database, with a lake's default and empty."""
    if request.param == "sqlite":
        return Settings()
    return Settings(database_url=request.getfixturevalue("postgres_url"))
