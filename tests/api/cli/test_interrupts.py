"""Ctrl-C: commands end soon, at once if asked twice, and what is recorded is whole."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.cli.conftest import Command

SOON_S = 25
"""What two seconds are on a busy machine; each task of `LONG` takes longer still."""

LONG = ("ingest", "phantom:1500", "a/b/c", "--kind", "image")
"""A job of tasks that take a minute each."""

PATIENT = """
import sys
from voxlake.cli import interrupts, main

interrupts.ENDS_S = 600
sys.exit(main())
"""
"""The command, which nobody ends if it does not do so itself."""


@contextmanager
def _started(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _at_work() -> Iterator[subprocess.Popen[str]]:
    """Start a job, and wait until its tasks run."""
    with _started("-c", PATIENT, *LONG) as process:
        assert process.stderr is not None
        assert any("tasks to do" in line for line in process.stderr), "it ended before it began"
        time.sleep(1)
        yield process


def _ended(process: subprocess.Popen[str]) -> str:
    """Return what it said until it ended, which it has to do soon."""
    _, said = process.communicate(timeout=SOON_S)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(120)
        yield listening


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_job_hands_back_what_it_was_at(
    voxlake: Command, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("VOXLAKE_WORKERS", workers)
    with _at_work() as process:
        process.send_signal(signal.SIGINT)
        said = _ended(process)
    assert "voxlake jobs resume" in said
    (job,) = voxlake("jobs").ok()["jobs"]
    assert job["state"] not in {"running", "failed"}
    assert voxlake("jobs", "cancel", job["id"]).ok()["state"] == "cancelled"


def test_a_second_one_ends_a_job_at_once(voxlake: Command) -> None:
    with _at_work() as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _ended(process)
    (job,) = voxlake("jobs").ok()["jobs"]
    assert voxlake("jobs", "cancel", job["id"]).ok()["state"] == "cancelled"
    assert voxlake("ls").ok()["datasets"] == []


@pytest.fixture
def unanswered(silent_server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lake whose store does not answer."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"VOXLAKE_S3_{name}", "x")
    port = silent_server.getsockname()[1]
    return f"s3://bucket/lake?endpoint=http://127.0.0.1:{port}"


@pytest.mark.parametrize("words", [("ls",), ("plan", "phantom:8", "a/b/c", "--kind", "image")])
def test_a_store_that_does_not_answer_holds_up_nothing(
    silent_server: socket.socket, unanswered: str, words: tuple[str, ...]
) -> None:
    with _started("-m", "voxlake.cli", *words, "--lake", unanswered) as process:
        connection, _ = silent_server.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            assert "interrupted" in _ended(process)


def test_a_second_one_ends_what_does_not_end_by_itself(
    silent_server: socket.socket, unanswered: str
) -> None:
    with _started("-c", PATIENT, "ls", "--lake", unanswered) as process:
        connection, _ = silent_server.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            assert "interrupted" in _ended(process)
