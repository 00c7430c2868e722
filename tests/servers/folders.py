"""Folders with a limit: small ones, and read-only ones, by real mounts."""

from __future__ import annotations

import os
import shutil
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


def grow(folder: Path, size_bytes: int) -> None:
    """Give the RAM disk that is mounted at a folder another size."""
    _run("mount", "-o", f"remount,size={size_bytes}", str(folder))


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


@contextmanager
def read_only_copy(source: Path, folder: Path) -> Iterator[Path]:
    """Copy a folder of at most 5 MiB to one that refuses writes."""
    if os.geteuid() != 0:
        shutil.copytree(source, folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        return
    with small_folder(folder, 5 << 20):
        shutil.copytree(source, folder, dirs_exist_ok=True)
        _run("mount", "-o", "remount,ro", str(folder))
        yield folder


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
