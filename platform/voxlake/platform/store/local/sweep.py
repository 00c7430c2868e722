"""Remove what writers that were killed left behind on a local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.platform.store.local.files import check_links
from voxlake.platform.store.local.partial import is_abandoned, is_leftover

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.platform.store.url import StoreURL

LIVE_WRITE_S = 3600.0
"""A temporary file of this age belongs to no living writer, if it does not say whose it is."""


def leftovers(
    url: StoreURL,
    *,
    older_than_s: float = LIVE_WRITE_S,
    spared: Callable[[Path], bool] = lambda _: False,
) -> list[Path]:
    """Return the temporary files below `url` whose writers are gone; S3 writes leave none.

    A file that does not say who writes it is one if it is of that age. Those that are `spared` are
    left out.
    """
    if not url.is_local:
        return []
    check_links("list", url)
    return [
        path
        for path in sorted(url.path.rglob("*"))
        if is_leftover(path.name) and not spared(path) and is_abandoned(path, older_than_s)
    ]


def sweep(
    url: StoreURL,
    *,
    older_than_s: float = LIVE_WRITE_S,
    spared: Callable[[Path], bool] = lambda _: False,
) -> list[Path]:
    """Delete the `leftovers` below `url` and return them."""
    found = leftovers(url, older_than_s=older_than_s, spared=spared)
    for path in found:
        path.unlink(missing_ok=True)
    return found
