"""Where sources lie that are not files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


@pytest.fixture(params=["s3_store", "gcs_store"])
def bucket(request: pytest.FixtureRequest) -> StoreURL:
    """An empty prefix of a bucket of each cloud."""
    url: StoreURL = request.getfixturevalue(request.param)
    return url
