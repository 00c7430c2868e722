"""Fingerprints of files: cheap to make, different when the files are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def fingerprint_files(files: Iterable[Path], *words: str) -> str:
    """Return a digest of the name, size and time of change of each file, and of `words`.

    Raises
    ------
    SourceError
        If a file is not there (any more).
    """
    digest = hashlib.blake2b(digest_size=16)
    for word in words:
        digest.update(f"{word}\0".encode())
    for file in files:
        try:
            status = file.stat()
        except OSError as error:
            raise SourceError(f"source file {file} cannot be read ({error}); check it") from error
        digest.update(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def fingerprint_text(*words: str) -> str:
    """Return a digest of `words`."""
    return fingerprint_files((), *words)
