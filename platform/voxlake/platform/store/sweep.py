"""Remove what writers that were killed left behind on a local store."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from voxlake.platform.store.local import check_links
from voxlake.platform.store.objects import PARTIAL_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store.url import StoreURL

# Ours; TensorStore's lock files; the staging files of obstore (".../name#1").
_LEFTOVER = re.compile(rf"(\..*{re.escape(PARTIAL_SUFFIX)}|.*\.__lock|.*#\d+)")


def is_leftover(name: str) -> bool:
    """Return whether a file of that name is the temporary file of a writer.

    Examples
    --------
    >>> is_leftover(".zarr.json.0f.partial"), is_leftover("0_5e.__lock"), is_leftover("zarr.json")
    (True, True, False)
    """
    return _LEFTOVER.fullmatch(name) is not None


def leftovers(url: StoreURL, *, older_than_s: float = 0) -> list[Path]:
    """Return the temporary files below `url` of at least that age; S3 writes leave none."""
    if not url.is_local:
        return []
    check_links("list", url)
    limit = time.time() - older_than_s
    return [
        path
        for path in sorted(url.path.rglob("*"))
        if is_leftover(path.name) and _is_older(path, limit)
    ]


def sweep(url: StoreURL, *, older_than_s: float = 0) -> list[Path]:
    """Delete the temporary files below `url` and return them.

    Call it only when no writer is at work below `url`, or with an age that no live write reaches.
    """
    found = leftovers(url, older_than_s=older_than_s)
    for path in found:
        path.unlink(missing_ok=True)
    return found


def _is_older(path: Path, limit: float) -> bool:
    """Return whether it is a file of before `limit`; one that is gone by now is not."""
    try:
        return path.is_file() and path.stat().st_mtime <= limit
    except FileNotFoundError:
        return False
