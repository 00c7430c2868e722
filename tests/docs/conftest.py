"""A folder like that of a reader: with the lake of the demo, and a gateway that serves it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.docs.demo_lake import make_demo_lake, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reader:
    """Where a reader of the documentation works."""

    folder: Path
    environment: dict[str, str]
    gateway: str


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("reader")
    shielded = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VOXLAKE_", "AWS_"))
    }
    environment = {**shielded, "XDG_STATE_HOME": str(folder / "state")}
    make_demo_lake(folder / "demo-lake")
    with serve(folder / "demo-lake", environment) as url:
        yield Reader(folder, environment, url)
