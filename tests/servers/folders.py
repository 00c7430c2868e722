"""Folders with a limit: small ones, and read-only ones, by real mounts."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def small_folder(folder: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a RAM disk of that size at the folder (needs root)."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "-l", str(folder))


@contextmanager
def read_only_folder(folder: Path) -> Iterator[Path]:
    """Make the folder refuse writes: by a mount for root, whom permissions do not stop."""
    folder.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    with small_folder(folder, 1 << 20):
        _run("mount", "-o", "remount,ro", str(folder))
        yield folder


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
