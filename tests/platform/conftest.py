"""What the ground is tried on: both databases; buckets of three clouds, a folder and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import prefix_on
from tests.servers.moto import run_moto

from voxlake.platform.catalog import Catalog, open_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.s3 import S3Server

    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL


@pytest.fixture
def catalog(lake: StoreURL, any_database: Settings) -> Iterator[Catalog]:
    """An open catalog, empty, on each kind of database."""
    with open_catalog(lake, any_database) as opened:
        yield opened


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Server]:
    """An S3 server of other makers."""
    with run_moto() as server:
        yield server


@pytest.fixture
def moto_store(moto_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> StoreURL:
    """An empty prefix of its bucket, with the environment set for it."""
    return prefix_on(moto_server, monkeypatch)


@pytest.fixture(params=["file", "memory", "s3", "moto", "gs", "az"])
def any_store(request: pytest.FixtureRequest) -> StoreURL:
    """An empty store of each kind."""
    kinds = {
        "file": "lake",
        "memory": "memory_store",
        "s3": "s3_store",
        "moto": "moto_store",
        "gs": "gcs_store",
        "az": "azure_store",
    }
    url: StoreURL = request.getfixturevalue(kinds[request.param])
    return url
