"""A gateway that reads sources from a folder, and a worker that does one job when told to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.console.conftest import SHAPE, Workshop, run_workshop
from tests.api.lakes import image_voxels

from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.running import run_claimed
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INGEST = "/collections/lab/experiments/brain/ingest"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that sources are read from for others, with an image."""
    folder = tmp_path_factory.mktemp("microscope")
    np.save(folder / "em.npy", image_voxels(SHAPE))
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Iterator[Workshop]:
    """A gateway that reads sources from there."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("jobs") / "lake"))
    with run_workshop(lake, Settings(ingest_stores=(str(sources),), workers=0)) as shop:
        yield shop


def work(shop: Workshop) -> None:
    """Run the job that has waited longest, as a worker does."""
    claim = shop.catalog.ledger.claim_oldest()
    assert claim is not None
    with suppress(VoxlakeError):
        run_claimed(Workspace(shop.lake, shop.catalog, shop.settings), claim)
