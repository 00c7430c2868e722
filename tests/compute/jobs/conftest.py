"""What tests of jobs work in: a lake on a folder with SQLite, and one on S3 with PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voxlake.compute.jobs import Workspace
from voxlake.platform import store
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL


@pytest.fixture(params=["file-sqlite", "s3-postgres"])
def workspace(request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """An empty lake, with its catalog."""
    if request.param == "file-sqlite":
        lake, settings = request.getfixturevalue("lake"), Settings(workers=0)
    else:
        lake = request.getfixturevalue("s3_store")
        url = request.getfixturevalue("catalog_url")
        settings = Settings(workers=0, database_url=url)
    with Workspace.opened(lake, settings) as opened:
        yield opened


def stored(lake: StoreURL) -> set[str]:
    """Return the keys of all objects of a lake, its catalog and locks aside."""
    below = f"{lake.key}/" if lake.key else ""
    keys = {info.url.key.removeprefix(below) for info in store.walk(lake)}
    return {key for key in keys if not key.startswith(".voxlake") and not key.endswith("~lock")}
