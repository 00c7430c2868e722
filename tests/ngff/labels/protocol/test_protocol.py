"""The protocol, step by step: others come in, or the process is killed, at each of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.ngff.labels.protocol.checks import CHECKS, Stage

if TYPE_CHECKING:
    from tests.ngff.labels.protocol.checks import Check

    from voxlake.platform.store import StoreURL


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_step_may_be_the_last_or_be_joined(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    check(Stage(memory_store, monkeypatch))
