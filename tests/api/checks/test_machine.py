"""A machine with too little disk, or too few files, is told of."""

from __future__ import annotations

import resource
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

from voxlake.api.checks.machine import (
    OPEN_FILES,
    look_at_cache,
    look_at_disk,
    look_at_open_files,
    look_at_spool,
)
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_disk_that_is_full_fails_and_one_with_little_room_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = StoreURL.parse(str(tmp_path))
    for free, state in ((1 << 20, "fail"), (1 << 29, "warn"), (1 << 31, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert look_at_disk(lake)[0] == state
    assert look_at_disk(StoreURL("s3", "bucket"))[0] == "ok"
    monkeypatch.undo()
    assert look_at_disk(lake / "gone")[0] == "fail"


def test_a_spool_needs_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(spool_dir=tmp_path, task_bytes=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 29))
    state, found, advice = look_at_spool(settings)
    assert state == "warn"
    assert str(tmp_path) in found
    assert "VOXLAKE_SPOOL_DIR" in (advice or "")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 31))
    assert look_at_spool(settings)[0] == "ok"


def test_a_spool_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert look_at_spool(Settings(spool_dir=tmp_path / "none"))[0] == "fail"


def test_a_cache_needs_room_and_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_at_cache(Settings())[0] == "ok"
    (tmp_path / "file").write_text("no folder")
    assert look_at_cache(Settings(cache_dir=tmp_path / "file" / "cache"))[0] == "fail"
    (tmp_path / "cache" / "0").mkdir(parents=True)
    (tmp_path / "cache" / "0" / "piece").write_bytes(bytes(1 << 20))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 31))
    state, found, advice = look_at_cache(
        Settings(cache_dir=tmp_path / "cache", cache_bytes=(1 << 30) + (1 << 20))
    )
    assert state == "ok"  # of what it may fill, some is filled
    assert str(tmp_path) in found
    state, _, advice = look_at_cache(Settings(cache_dir=tmp_path / "cache", cache_bytes=1 << 31))
    assert state == "warn"
    assert "VOXLAKE_CACHE_BYTES" in (advice or "")
    # It is made when a gateway starts.
    assert look_at_cache(Settings(cache_dir=tmp_path / "new", cache_bytes=1 << 20))[0] == "ok"


def test_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, state in ((1024, "warn"), (OPEN_FILES, "ok"), (resource.RLIM_INFINITY, "ok")):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, 1 << 20))
        assert look_at_open_files()[0] == state
