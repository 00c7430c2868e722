"""A disk that keeps what was synced, and nothing else: what is left when the power goes.

The strictest that a file system may be: bytes of a file are there if it was synced, and its name if
the folder that holds it was. Real ones keep more, today.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@dataclass
class StrictDisk:
    """What was synced below a folder, by the number of each file and folder."""

    root: Path
    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=dict)

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Note from here on what this process syncs."""
        sync = os.fsync

        def noted(file: int) -> None:
            sync(file)
            self._note(file)

        patch.setattr(os, "fsync", noted)

    def left(self) -> dict[str, bytes]:
        """Return path and bytes of each file that a power cut at this moment leaves."""
        return dict(self._below(self.root.stat().st_ino, ""))

    def _note(self, file: int) -> None:
        state, path = os.fstat(file), Path(f"/proc/self/fd/{file}")
        if S_ISDIR(state.st_mode):
            self.folders[state.st_ino] = {each.name: each.stat().st_ino for each in path.iterdir()}
        else:
            self.files[state.st_ino] = path.read_bytes()

    def _below(self, number: int, path: str) -> list[tuple[str, bytes]]:
        found = []
        for name, below in self.folders.get(number, {}).items():
            key = f"{path}/{name}".lstrip("/")
            if below in self.files:
                found.append((key, self.files[below]))
            found += self._below(below, key)
        return found
