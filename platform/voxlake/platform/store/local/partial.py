"""Partial files: what is written beside its target, and becomes it when it is whole.

Their names say which process writes them, so that whoever sweeps can tell what a killed writer left
from what is being written at this moment.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from voxlake.platform.processes import is_alive, started, this_machine
from voxlake.platform.store.local.lock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".partial"

# Ours; TensorStore's lock files; the staging files of obstore (".../name#1").
_LEFTOVER = re.compile(rf"(\..*{re.escape(_SUFFIX)}|.*\.__lock|.*#\d+)")
_WRITER = re.compile(rf"\..*\.([0-9a-f]{{8}})-(\d+)-(\d+)-[0-9a-f]{{32}}{re.escape(_SUFFIX)}")


def partial_path(path: Path) -> Path:
    """Return where this process writes what is to become the file at `path`."""
    writer = f"{_machine()}-{os.getpid()}-{round(started())}"
    return path.with_name(f".{path.name}.{writer}-{uuid4().hex}{_SUFFIX}")


def is_leftover(name: str) -> bool:
    """Return whether a file of that name is the temporary file of a writer.

    Examples
    --------
    >>> is_leftover(".zarr.json.0f.partial"), is_leftover("0_5e.__lock"), is_leftover("zarr.json")
    (True, True, False)
    """
    return _LEFTOVER.fullmatch(name) is not None


def is_abandoned(path: Path, older_than_s: float) -> bool:
    """Return whether the writer of a temporary file is gone; of a file that is gone, False.

    A writer on this machine is asked for. One elsewhere, or of another program, counts as gone if
    the file is of `older_than_s` seconds and nobody has locked it.
    """
    writer = _WRITER.fullmatch(path.name)
    if writer is not None and writer[1] == _machine():
        return not is_alive(int(writer[2]), float(writer[3]))
    try:
        old = path.is_file() and path.stat().st_mtime <= time.time() - older_than_s
        return old and not _is_locked(path)
    except FileNotFoundError:
        return False


def _is_locked(path: Path) -> bool:
    try:
        FileLock(path, wait=False).release()
    except BlockingIOError:
        return True
    return False


@cache
def _machine() -> str:
    return hashlib.sha256(this_machine().encode()).hexdigest()[:8]
