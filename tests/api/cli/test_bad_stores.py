"""Stores that fail: full, read-only, unreachable."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.api.cli.conftest import command_on, files_below

if TYPE_CHECKING:
    import pytest

SOURCE = "phantom:80"


def test_full_disk_leaves_no_partial_file_and_a_job_to_resume(
    small_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voxlake = command_on(str(small_folder / "lake"), tmp_path, monkeypatch, capsys)
    voxlake("init").ok()
    ballast = small_folder / "ballast"
    ballast.write_bytes(bytes(500_000))
    failed = voxlake.ingest(SOURCE)
    assert (failed.code, failed.kind) == (1, "store-full"), failed
    assert "no space" in failed.document["detail"]
    assert any("voxlake jobs resume" in hint for hint in failed.document["hints"])
    left = files_below(Path(voxlake.lake))
    assert all(name.endswith("zarr.json") for name in left), left
    ballast.unlink()
    assert voxlake("jobs", "resume").ok()["state"] == "done"
    assert voxlake("verify", "lab/cube/em", "--source", SOURCE).ok()["verified"]
    assert voxlake("info", "lab/cube/em").ok()["state"] == "ready"


def test_full_disk_can_be_taken_back(
    small_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voxlake = command_on(str(small_folder / "lake"), tmp_path, monkeypatch, capsys)
    voxlake("init").ok()
    (small_folder / "ballast").write_bytes(bytes(500_000))
    assert voxlake.ingest(SOURCE).code == 1
    (job,) = voxlake("jobs").ok()["jobs"]
    assert voxlake("jobs", "cancel", job["id"]).ok()["state"] == "cancelled"
    assert files_below(Path(voxlake.lake)) == {}
    assert voxlake("ls").ok()["datasets"] == []


def test_read_only_store(
    read_only_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voxlake = command_on(str(read_only_folder / "lake"), tmp_path, monkeypatch, capsys)
    for answer in (voxlake("init"), voxlake.ingest(SOURCE)):
        assert (answer.code, answer.kind) == (1, "store-read-only"), answer
    assert list(read_only_folder.iterdir()) == []


def test_unreachable_s3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("VOXLAKE_S3_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("VOXLAKE_S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "1")
    monkeypatch.setenv("VOXLAKE_STORE_TIMEOUT_S", "5")
    voxlake = command_on("s3://bucket/lake", tmp_path, monkeypatch, capsys)
    for words in (("init",), ("ls",), ("ingest", SOURCE, "a/b/c", "--kind", "image")):
        answer = voxlake(*words)
        assert (answer.code, answer.kind) == (1, "store-unavailable"), answer
        assert str(port) in answer.document["detail"]
    assert not (tmp_path / "data").exists()
