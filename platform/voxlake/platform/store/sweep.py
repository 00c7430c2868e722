"""Remove what writers that were killed left behind on a local store."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from voxlake.platform.store.objects import PARTIAL_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store.url import StoreURL

# Ours; TensorStore's lock files; the staging files of obstore (".../name#1").
_LEFTOVER = re.compile(rf"(\..*{re.escape(PARTIAL_SUFFIX)}|.*\.__lock|.*#\d+)")


def sweep(url: StoreURL, *, older_than_s: float = 0) -> list[Path]:
    """Delete the temporary files below `url` and return them; S3 writes leave none.

    Call it only when no writer is at work below `url`, or with an age that no live write reaches.
    """
    if not url.is_local:
        return []
    limit = time.time() - older_than_s
    leftovers = [
        path
        for path in url.path.rglob("*")
        if _LEFTOVER.fullmatch(path.name) and path.is_file() and path.stat().st_mtime <= limit
    ]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return leftovers
