"""Open the lake of a command, and make one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.cli.options import InLake, read_settings
from voxlake.platform import store
from voxlake.platform.access import Principal
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.errors import NotFoundError, ObjectExistsError
from voxlake.platform.store import StoreURL
from voxlake.platform.store.allowed.stores import MARK

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings

EVERYTHING = Principal("owner", is_owner=True)
"""Whoever has the catalog at hand sees all of it."""


@contextmanager
def opened_catalog(lake: InLake) -> Iterator[Catalog]:
    """Open the catalog of a lake that is there, without loading Dask.

    Raises
    ------
    NotFoundError
        If there is no lake.
    """
    url = existing_lake(lake)
    with open_catalog(url, read_settings()) as catalog:
        yield catalog


def existing_lake(lake: InLake) -> StoreURL:
    """Return the address of the lake; raise NotFoundError if it is none."""
    url = lake.url
    if not is_lake(url):
        raise NotFoundError(f"there is no lake at {url}; make one with: voxlake init --lake {url}")
    return url


def is_lake(url: StoreURL) -> bool:
    """Return whether there is a lake at `url`; makes nothing."""
    if url.is_local and not (url.path / MARK).is_dir():
        return False
    return store.list_children(url / MARK) != ([], [])


def make_lake(url: StoreURL, settings: Settings) -> None:
    """Mark the place as a lake and make its catalog; again is no harm."""
    body = json.dumps({"voxlake": "lake", "created_at": datetime.now(UTC).isoformat()}, indent=2)
    with suppress(ObjectExistsError):
        store.create(url / MARK / "lake.json", body.encode())
    open_catalog(url, settings).close()
