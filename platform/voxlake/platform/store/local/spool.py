"""Spools: files of this machine that keep what is on its way to a remote store.

Those of a process bear its name, which is a number that no other has, and live as long as it: it
keeps a lock on a file of that name. A pid would not tell it from a process of another container
that shares the folder, nor from a later one of the same pid.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from os import getuid
from pathlib import Path
from uuid import uuid4

from voxlake.platform.store.local.lock import FileLock
from voxlake.platform.store.local.private import private_folder
from voxlake.platform.store.process import prepare_process

_SPOOL, _LOCK = "voxlake-spool-", ".lock"
_OWNED = re.compile(rf"{_SPOOL}([0-9a-f]+)-.*|([0-9a-f]{{32}})\{_LOCK}")


def new_spool() -> Path:
    """Return a new file of this process, empty, that its user alone may read."""
    own = _own_spools(prepare_process().spool_dir or Path(tempfile.gettempdir()))
    path = own.folder / f"{_SPOOL}{own.owner}-{uuid4().hex}"
    path.touch(0o600, exist_ok=False)
    return path


@dataclass(frozen=True, slots=True)
class _Spools:
    """The spools of this process."""

    folder: Path
    owner: str
    """The name of this process."""
    lock: FileLock
    """Held until the process ends, however that comes about."""


@cache
def _own_spools(base: Path) -> _Spools:
    """Return where this process has its spools in `base`, free of those of killed processes."""
    folder, owner = private_folder(base / f"voxlake-{getuid()}"), uuid4().hex
    _sweep(folder)
    return _Spools(folder, owner, _locked(folder / f"{owner}{_LOCK}"))


def _locked(path: Path) -> FileLock:
    """Return the lock of a file that is made for it; one that sweeps may take it away before."""
    while True:
        path.touch(0o600)
        with suppress(FileNotFoundError):
            lock = FileLock(path)
            if lock.is_of(path):
                return lock
            lock.release()


def _sweep(folder: Path) -> None:
    """Delete the spools of processes that are gone, and then their locks."""
    spools = defaultdict[str, list[Path]](list)
    for path in sorted(folder.iterdir()):
        if owned := _OWNED.fullmatch(path.name):
            spools[owned[1] or owned[2]] += [path] if owned[1] else []
    for owner, theirs in spools.items():
        _sweep_owner(folder / f"{owner}{_LOCK}", theirs)


def _sweep_owner(lock: Path, spools: list[Path]) -> None:
    """Delete the spools of a process if it is gone, and its lock.

    The lock is held meanwhile: a process that has made the file of its lock and not locked it yet
    has to wait, and then finds that it is gone. Spools were listed before, when it had none.
    """
    try:
        held = FileLock(lock, wait=False)
    except BlockingIOError:
        return
    except FileNotFoundError:
        _unlink(spools)
        return
    if held.is_of(lock):  # else somebody else has swept it, and its process made it anew
        _unlink([*spools, lock])
    held.release()


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
