"""Workers share the memory of a gateway."""

from __future__ import annotations

import pytest

from voxlake.api.workers.worker import LEAST_BYTES, share_of
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.settings import Settings


def test_too_many_workers_for_the_memory_are_refused() -> None:
    settings = Settings(gateway_memory_bytes=4 * LEAST_BYTES)
    assert share_of(settings, 4).gateway_memory_bytes == LEAST_BYTES
    with pytest.raises(InvalidInputError, match="fewer --workers"):
        share_of(settings, 5)
