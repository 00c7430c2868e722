"""Ctrl-C: commands end soon, at once if asked twice, and what is recorded is whole."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.cli.conftest import Command

SOON_S = 2.5
"""Two seconds, and what a busy machine takes to tell."""

LONG = ("ingest", "phantom:1500", "a/b/c", "--kind", "image")
"""A job of tasks that take a minute each."""


def _start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "voxlake.cli", *words], stderr=subprocess.PIPE, text=True
    )


def _begun(*words: str) -> subprocess.Popen[str]:
    """Start a job, and wait until its tasks run."""
    process = _start(*words)
    assert process.stderr is not None
    for line in process.stderr:
        if "tasks to do" in line:
            time.sleep(1)
            return process
    pytest.fail("the job ended before it began")


def _ended(process: subprocess.Popen[str], within_s: float) -> str:
    """Return what it said until it ended, which it has to in time."""
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < within_s, said
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_job_hands_back_what_it_was_at(
    voxlake: Command, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("VOXLAKE_WORKERS", workers)
    process = _begun(*LONG)
    process.send_signal(signal.SIGINT)
    said = _ended(process, SOON_S)
    assert "voxlake jobs resume" in said
    (job,) = voxlake("jobs").ok()["jobs"]
    assert job["state"] not in {"running", "failed"}
    assert voxlake("jobs", "cancel", job["id"]).ok()["state"] == "cancelled"


def test_a_second_one_ends_a_job_at_once(voxlake: Command) -> None:
    process = _begun(*LONG)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _ended(process, 0.5)
    (job,) = voxlake("jobs").ok()["jobs"]
    assert voxlake("jobs", "cancel", job["id"]).ok()["state"] == "cancelled"
    assert voxlake("ls").ok()["datasets"] == []


@pytest.mark.parametrize("words", [("ls",), ("plan", "phantom:8", "a/b/c", "--kind", "image")])
def test_a_store_that_does_not_answer_holds_up_nothing(
    silent_server: int, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"VOXLAKE_S3_{name}", "x")
    lake = f"s3://bucket/lake?endpoint=http://127.0.0.1:{silent_server}"
    process = _start(*words, "--lake", lake)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in _ended(process, SOON_S)
