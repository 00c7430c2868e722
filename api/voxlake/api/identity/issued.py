"""Secrets that a local server gave out, and which hold until they are over or taken back.

They are kept as hashes.
"""

from __future__ import annotations

import hashlib
import os
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path


class Issued(ABC):
    """Secrets of one kind."""

    @abstractmethod
    def add(self, secret: str, seconds: float) -> None:
        """Have a secret hold for so long."""

    @abstractmethod
    def holds(self, secret: str) -> bool:
        """Return whether a secret holds."""

    @abstractmethod
    def take(self, secret: str) -> bool:
        """Return whether a secret held; it does no more, and nobody else is told that it did."""


class IssuedHere(Issued):
    """Kept in memory, for a server of one process."""

    def __init__(self) -> None:
        self._ends = dict[str, float]()

    def add(self, secret: str, seconds: float) -> None:
        """Have a secret hold for so long."""
        self._ends[digest(secret)] = time.monotonic() + seconds

    def holds(self, secret: str) -> bool:
        """Return whether a secret holds."""
        return time.monotonic() < self._ends.get(digest(secret), 0.0)

    def take(self, secret: str) -> bool:
        """Return whether a secret held; it does no more."""
        return time.monotonic() < self._ends.pop(digest(secret), 0.0)


class IssuedInFolder(Issued):
    """Kept in a folder of this user alone, for all processes of a server.

    Each is an empty file by the name of its hash, dated when it is over.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def add(self, secret: str, seconds: float) -> None:
        """Have a secret hold for so long."""
        file, ends = self._file(secret), time.time() + seconds
        file.touch(mode=0o600)
        os.utime(file, (ends, ends))

    def holds(self, secret: str) -> bool:
        """Return whether a secret holds."""
        with suppress(FileNotFoundError):
            return time.time() < self._file(secret).stat().st_mtime
        return False

    def take(self, secret: str) -> bool:
        """Return whether a secret held; a file can be removed once."""
        held = self.holds(secret)
        with suppress(FileNotFoundError):
            self._file(secret).unlink()
            return held
        return False

    def _file(self, secret: str) -> Path:
        return self._folder / digest(secret)


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
