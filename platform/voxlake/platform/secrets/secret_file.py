"""Secrets of this user that are made once, and kept in a file for nobody else."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Return what is kept in a file for its owner alone; made at the first call.

    A file that others can read is replaced by a new secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.unlink()
    if not path.exists():
        _create(path, make())
    return path.read_text(encoding="ascii").strip()


def _create(path: Path, secret: str) -> None:
    """Write the file whole before it gets its name, unless another process was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
