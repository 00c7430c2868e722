"""Pages of the ingest wizard in a real browser: axe finds nothing, whatever a look has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from tests.api.console.jobs.conftest import INGEST, work
from tests.api.console.test_pages_chromium import hold_that_axe_finds_nothing
from tests.api.lakes import image_voxels

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page
    from tests.api.console.conftest import Workshop


@pytest.fixture(scope="module")
def looks(shop: Workshop, sources: Path) -> list[str]:
    """Pages of looks: at an image, at slices of which some are missing, and of one that waits."""
    for name, numbers in (("whole", range(1, 7)), ("torn", (1, 2, 5))):
        (sources / name).mkdir()
        for number in numbers:
            tifffile.imwrite(sources / name / f"s{number}.tif", image_voxels((30, 40)))
    np.save(sources / "floats.npy", np.zeros((8, 9, 10), np.float64))
    pages = []
    with shop.browser("ada") as ada:
        for source in (sources / "whole", sources / "torn", sources / "floats.npy"):
            pages.append(ada.fill_in(f"{INGEST}/look", source=str(source)).url.path)
            work(shop)
        pages.append(ada.fill_in(f"{INGEST}/look", source=str(sources / "none")).url.path)
    return pages


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_axe_finds_nothing(
    shop: Workshop, looks: list[str], page: Page, scheme: str, width: int
) -> None:
    hold_that_axe_finds_nothing(page, shop, [INGEST, *looks], "ada", (width, scheme))
