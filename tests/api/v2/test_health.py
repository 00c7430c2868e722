"""Alive and ready: the first asks nothing, the second says what does not answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import run_app

from voxlake.api.app import create_app
from voxlake.api.data import readiness
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("broken", ["store", "catalog"])
def test_ready_means_that_store_and_catalog_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr("voxlake.api.app.READY_SECONDS", 0.0)
    settings = Settings(database_url=f"sqlite:///{tmp_path}/catalog.sqlite")
    lake = StoreURL.parse(str(tmp_path / "lake"))
    with open_catalog(lake, settings) as catalog:
        app = create_app(settings, lake, catalog, LocalIdentity("x" * 40))
        with run_app(app) as url, httpx2.Client(base_url=url) as client:
            assert client.get("/readyz").status_code == 200
            if broken == "store":
                # A loop of links in place of the folder: every look-up in it fails.
                folder = lake.path / ".voxlake"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "probe").symlink_to("probe")
            else:
                with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as database:
                    database.execute("DROP TABLE datasets")
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert broken in answer.json()["detail"]
            assert client.get("/healthz").status_code == 200


def test_probes_are_remembered_for_seconds() -> None:
    assert 1 <= readiness.READY_SECONDS <= 10
