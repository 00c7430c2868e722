"""bossDB's ingest client as it is, and S3 and SQS for it: in an environment of their own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

from filelock import FileLock
from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
UV = ROOT / ".tools" / "bin" / "uv"
PINS = ROOT / "requirements" / "boss-ingest.txt"

FASTER = """
import time
_sleep = time.sleep
time.sleep = lambda seconds: _sleep(seconds / 30)
"""
"""The client waits for 40 s before it looks whether all is done: let it look sooner."""


def client_environment() -> Path:
    """Return the folder of the environment, which is made once for each set of pins."""
    digest = hashlib.sha256(PINS.read_bytes()).hexdigest()[:16]
    folder = Path(sys.prefix) / f"boss-ingest-{digest}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            make: list[str | Path] = [
                UV,
                "venv",
                "--quiet",
                "--clear",
                "--python",
                sys.executable,
                folder,
            ]
            subprocess.run(make, check=True)
            options: list[str | Path] = [
                "--quiet",
                "--python",
                folder,
                "--require-hashes",
                "--no-deps",
                "-r",
                PINS,
            ]
            subprocess.run([UV, "pip", "install", *options], check=True)
            (folder / "made").touch()
    return folder


@contextmanager
def run_moto(folder: Path) -> Iterator[str]:
    """Run S3 and SQS, in memory, until the end of the block; yield their endpoint."""
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    program = str(client_environment() / "bin" / "moto_server")
    process = start([program, "-p", str(port)], folder / "moto.log", lambda: _answers(endpoint))
    try:
        yield endpoint
    finally:
        stop(process)


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(f"{endpoint}/moto-api/data.json").close()
    except URLError:
        return False
    return True
