"""The benchmark of the catalog asks what it says, and is answered alike by both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.catalog import Size, run_catalog

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_both_databases_give_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run_catalog(tmp_path, 1, lambda _: None, Size(collections=10, users=10, groups=5))
    found = {
        name: {(row["who"], row["what"]): row["found"] for row in rows if row["database"] == name}
        for name in ("SQLite", "PostgreSQL")
    }
    assert found["SQLite"] == found["PostgreSQL"]
    assert found["SQLite"]["administrator", "datasets, first page"] == 100
    assert found["SQLite"]["anonymous", "datasets, first page"] == 100
    assert found["SQLite"]["administrator", "search, rare word"] == 10
    assert found["SQLite"]["administrator", "count, common word"] == 202
    assert "| SQLite" in capsys.readouterr().out
