"""The doctor finds what is well and what is not, and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
    for name in ("python", "packages", "lake", "store", "catalog", "scheduler"):
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
    for name in ("catalog", "sample", "scheduler"):
        assert checks[name]["state"] == "fail", checks[name]
    assert checks["store"]["state"] == "ok"
