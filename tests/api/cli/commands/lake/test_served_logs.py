"""What ``voxlake serve`` logs: lines of JSON where nobody looks, next to nothing on a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.cli.conftest import Command

SECRET = "vxl_0123456789abcdefghij"


@contextmanager
def served(lake: str, errors: int) -> Iterator[dict[str, Any]]:
    """Run the command until the end of the ``with`` block, and yield what it announced."""
    command = [sys.executable, "-m", "voxlake.cli", "serve", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--lake", lake], stdout=subprocess.PIPE, stderr=errors, text=True
    )
    assert process.stdout is not None
    try:
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            assert line, "it ended"
            said += line
        yield json.loads(said)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def ask(serving: dict[str, Any]) -> list[str]:
    """Ask with secrets in every place; return the ids of the answers."""
    url = serving["url"]
    answers = [
        httpx2.get(serving["login_link"], timeout=60),
        httpx2.get(f"{url}/v2/datasets", headers={"Authorization": f"Bearer {SECRET}"}, timeout=60),
        httpx2.get(f"{url}/c/{SECRET}/zarr", cookies={"session": SECRET}, timeout=60),
    ]
    assert [answer.status_code for answer in answers] == [303, 401, 401]
    return [answer.headers["x-request-id"] for answer in answers]


def test_where_nobody_looks_each_request_is_a_line_of_json(shared: Command, tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as log, served(shared.lake, log.fileno()) as serving:
        asked = ask(serving)
    lines = [line for line in file.read_text().splitlines() if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    requests = {event["request_id"]: event for event in events if event["event"] == "request"}
    assert list(requests) == asked
    assert [requests[each]["route"] for each in asked] == ["/login", "/v2/datasets", None]
    assert any(event["logger"] == "uvicorn.error" for event in events)
    assert SECRET not in file.read_text()
    assert serving["login_link"].partition("once=")[2][:20] not in file.read_text()


def test_a_terminal_is_told_nothing_of_requests(shared: Command) -> None:
    ours, its = pty.openpty()
    with served(shared.lake, its) as serving:
        ask(serving)
    os.close(its)
    said = "".join(iter(lambda: _read(ours), ""))
    os.close(ours)
    assert said.split("\r\n") == ["the link logs in once; Ctrl-C stops the server", "stopped", ""]


def _read(terminal: int) -> str:
    """Return what is next on a terminal; empty if its other end is closed and all was read."""
    try:
        return os.read(terminal, 1 << 16).decode()
    except OSError:
        return ""
