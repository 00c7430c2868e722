"""The doctor finds what is well and what is not, and says what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from voxlake.cli.checks import of_cluster
from voxlake.compute.cluster.condition import WorkerCondition
from voxlake.compute.cluster.room import PROCESS_BYTES
from voxlake.platform.catalog.migrate import REVISIONS
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


def _checks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in document["checks"]}


def test_all_is_well_in_a_lake(shared: Command) -> None:
    document = shared("doctor").ok()
    checks = _checks(document)
    assert document["ok"]
    for name in (
        *("python", "packages", "settings", "lake", "store", "database", "catalog", "jobs"),
        *("workers",),
        *("stale", "sidecars", "issuer", "gateway", "scheduler", "disk", "spool", "cache"),
        *("measured", "kept"),
    ):
        assert checks[name]["state"] == "ok", checks[name]
    assert checks["catalog"]["found"] == "2 datasets"
    assert checks["sample"]["state"] == "warn"
    assert "phantom" in checks["sample"]["advice"]
    assert "create-if-absent" in shared.plain("doctor").out


def test_no_lake_is_a_warning(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = _checks(voxlake("doctor").ok())
    assert "voxlake init" in checks["lake"]["advice"]
    monkeypatch.delenv("VOXLAKE_LAKE")
    assert "VOXLAKE_LAKE" in _checks(voxlake("doctor").ok())["lake"]["advice"]


def test_what_is_broken_fails(
    filled: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lake/.voxlake/catalog.sqlite").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("VOXLAKE_SAMPLE_DIR", str(tmp_path))
    answer = filled("doctor", "--scheduler", "tcp://127.0.0.1:9")
    checks = _checks(answer.document)
    assert answer.code == 1
    assert not answer.document["ok"]
    for name in ("database", "catalog", "sample", "scheduler"):
        assert checks[name]["state"] == "fail", checks[name]
    assert checks["store"]["state"] == "ok"


def test_a_look_does_not_bring_a_catalog_up_to_date(filled: Command, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "lake/.voxlake/catalog.sqlite")) as file:
        file.execute("UPDATE alembic_version SET version_num = ?", (REVISIONS[-2],))
        file.commit()
        checks = _checks(filled("doctor").ok())
        assert "back it up" in checks["database"]["advice"]
        assert checks["jobs"]["found"] == "not tried, without a catalog of this version"
        [found] = file.execute("SELECT version_num FROM alembic_version").fetchone()
        assert found == REVISIONS[-2]


def test_settings_an_issuer_and_a_gateway_that_are_wrong_are_told(
    shared: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_LAEK", "x")
    monkeypatch.setenv("VOXLAKE_OIDC_ISSUER", "http://127.0.0.1:9")
    monkeypatch.setenv("VOXLAKE_OIDC_CLIENT_ID", "lake")
    monkeypatch.setenv("VOXLAKE_PUBLIC_URL", "http://127.0.0.1:9")
    answer = shared("doctor")
    checks = _checks(answer.document)
    assert answer.code == 1
    assert checks["settings"]["state"] == "warn"
    assert checks["issuer"]["state"] == checks["gateway"]["state"] == "fail"


def test_workers_of_a_cluster_are_held_to_versions_and_memory() -> None:
    settings = Settings(scheduler="tcp://s:1", memory_limit_bytes=100)
    well = WorkerCondition(2, PROCESS_BYTES + 200, {})
    assert of_cluster(settings, {"a": well})[:2] == ("ok", "tcp://s:1 has 1 workers with 2 threads")
    assert of_cluster(settings, {})[0] == "fail"
    assert "numpy 1" in of_cluster(settings, {"a": WorkerCondition(2, 0, {"numpy": "1"})})[1]
    small = WorkerCondition(2, PROCESS_BYTES + 199, {})
    state, found, advice = of_cluster(settings, {"a": well, "b": small})
    assert (state, "1 have less memory" in found) == ("warn", True)
    assert "VOXLAKE_MEMORY_LIMIT_BYTES=99" in (advice or "")
