"""numba's `njit`, with what it compiled kept apart for each build of voxlake.

Importing this module imports numba. It keeps machine code below NUMBA_CACHE_DIR, which outlives an
upgrade, and knows it again by the file of the function alone: not by those of functions and
constants that were compiled into it. A folder of each build holds nothing of another one.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import distribution
from pathlib import Path

from numba import config
from numba import njit as njit


def _build() -> str:
    """Name the build: what is installed lists its files with their hashes."""
    record = distribution("voxlake").read_text("RECORD") or ""
    return hashlib.sha256(record.encode()).hexdigest()[:16]


# Settings of numba are made when it is imported.
if config.CACHE_DIR:  # type: ignore[attr-defined]
    config.CACHE_DIR = str(Path(config.CACHE_DIR, _build()))  # type: ignore[attr-defined]
