"""Alive and ready: the first asks nothing, the second says what does not answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import run_app
from tests.servers.issuer import ScriptedIssuer, run_issuer

from voxlake.api.app import create_app
from voxlake.api.data import readiness
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.identity.oidc.issuer import Issuer, Pace
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture
def gateway_of_issuer(tmp_path: Path) -> Iterator[tuple[httpx2.Client, ScriptedIssuer, Issuer]]:
    """A client of a gateway at which people sign in, and their issuer, as it is and is seen."""
    lake = StoreURL.parse(str(tmp_path / "lake"))
    with run_issuer() as scripted:
        settings = Settings(oidc_issuer=scripted.url, oidc_client_id="voxlake")
        with open_catalog(lake, settings) as catalog:
            app = create_app(settings, lake, catalog, LocalIdentity("x" * 40))
            with run_app(app) as url, httpx2.Client(base_url=url) as client:
                yield client, scripted, app.state.gateway.identity.bearer.issuer


def test_keys_at_hand_are_enough(
    gateway_of_issuer: tuple[httpx2.Client, ScriptedIssuer, Issuer],
) -> None:
    client, scripted, issuer = gateway_of_issuer
    assert client.get("/readyz").json() == {"status": "ok", "issuer": "ok"}
    scripted.status = 500
    issuer.pace = Pace(fresh=0, unknown=0, retry=0)
    while (answer := client.get("/readyz")).json()["issuer"] == "ok":
        assert answer.status_code == 200
    assert (answer.status_code, answer.json()["issuer"]) == (200, "stale")
    issuer.pace = Pace(fresh=0, stale=0, retry=0)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["issuer"]) == (200, "unavailable")
    scripted.status = 200
    issuer.pace = Pace()
    assert issuer.reads >= 1
    assert issuer.failures >= 1


def test_probes_are_remembered_for_seconds() -> None:
    assert 1 <= readiness.READY_SECONDS <= 10
