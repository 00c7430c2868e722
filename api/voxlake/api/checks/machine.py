"""Whether a machine has what the work on it needs: disks, open files."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

ROOM_BYTES = 1 << 30
"""Less free space than this is worth a word."""
FULL_BYTES = 32 << 20
"""With less, what is about to be written does not fit: a shard, rows of a catalog."""
OPEN_FILES = 4096
"""A connection of a client takes one, and so do those to the store."""


def look_at_disk(lake: StoreURL) -> Outcome:
    """Look at the disk that a lake lies on; nothing is written."""
    if not lake.is_local:
        return "ok", "none of this machine: the store has its own", None
    try:
        room = shutil.disk_usage(lake.path).free
    except OSError as error:
        return "fail", f"{lake}: {error.strerror}", "mount it, or correct VOXLAKE_LAKE"
    found = f"{room / 1e9:.1f} GB are free"
    if room < FULL_BYTES:
        return "fail", f"no space is left: {found}", "free some; until then nothing is written"
    return ("warn", found, "free some space") if room < ROOM_BYTES else ("ok", found, None)


def spool_of(settings: Settings) -> Path:
    """Return the folder of shards on their way to a remote store."""
    return settings.spool_dir or Path(tempfile.gettempdir())


def look_at_spool(settings: Settings) -> Outcome:
    """Look at the disk that shards are on before they go to a remote store."""
    folder = spool_of(settings)
    try:
        room = shutil.disk_usage(folder).free
    except OSError as error:
        return "fail", f"{folder}: {error.strerror}", "make it, or set VOXLAKE_SPOOL_DIR to another"
    found = f"{room / 1e9:.1f} GB are free in {folder}"
    if room < max(ROOM_BYTES, settings.task_bytes):
        return "warn", found, "free some space, or set VOXLAKE_SPOOL_DIR to another folder"
    return "ok", found, None


def look_at_cache(settings: Settings) -> Outcome:
    """Look at the disk of what a gateway keeps of what it read."""
    if settings.cache_dir is None:
        return "ok", "none: what is read of a store is kept in memory alone", None
    folder = settings.cache_dir.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    advice = "give it to the user of the gateway, or set VOXLAKE_CACHE_DIR to another folder"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return "fail", f"{there} cannot be written to", advice
    try:
        free, kept = shutil.disk_usage(there).free, _bytes_below(folder)
    except OSError as error:
        return "fail", f"{folder}: {error.strerror}", advice
    found = f"{kept / 1e9:.1f} GB are kept in {folder}, {free / 1e9:.1f} GB are free"
    if free + kept < settings.cache_bytes + ROOM_BYTES:
        wanted = f"{found}, for {settings.cache_bytes / 1e9:.1f} GB"
        return "warn", wanted, "free some space, or lower VOXLAKE_CACHE_BYTES"
    return "ok", found, None


def _bytes_below(folder: Path) -> int:
    """Return the bytes of all files, which others may delete meanwhile."""
    found = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                found += Path(root, name).stat().st_size
    return found


def look_at_open_files() -> Outcome:
    """Look at how many files and connections a process may have open."""
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= OPEN_FILES:
        return "ok", "any number" if most == resource.RLIM_INFINITY else f"{most} at most", None
    advice = f"allow {OPEN_FILES} or more: ulimit -n {OPEN_FILES}, or LimitNOFILE of its unit"
    return "warn", f"{most} at most (of {hard} that could be asked for)", advice
