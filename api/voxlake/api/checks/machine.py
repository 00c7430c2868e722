"""Whether a machine has what the work on it needs: disk, open files."""

from __future__ import annotations

import resource
import shutil
import tempfile
from pathlib import Path

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.settings import Settings

ROOM_BYTES = 1 << 30
"""Less free space than this is worth a word."""
OPEN_FILES = 4096
"""A connection of a client takes one, and so do those to the store."""


def look_at_spool(settings: Settings) -> Outcome:
    """Look at the disk that shards are on before they go to a remote store."""
    folder = settings.spool_dir or Path(tempfile.gettempdir())
    try:
        room = shutil.disk_usage(folder).free
    except OSError as error:
        return "fail", f"{folder}: {error.strerror}", "make it, or set VOXLAKE_SPOOL_DIR to another"
    found = f"{room / 1e9:.1f} GB are free in {folder}"
    if room < max(ROOM_BYTES, settings.task_bytes):
        return "warn", found, "free some space, or set VOXLAKE_SPOOL_DIR to another folder"
    return "ok", found, None


def look_at_open_files() -> Outcome:
    """Look at how many files and connections a process may have open."""
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= OPEN_FILES:
        return "ok", "any number" if most == resource.RLIM_INFINITY else f"{most} at most", None
    advice = f"allow {OPEN_FILES} or more: ulimit -n {OPEN_FILES}, or LimitNOFILE of its unit"
    return "warn", f"{most} at most (of {hard} that could be asked for)", advice
