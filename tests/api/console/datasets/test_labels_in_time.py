"""The pages of labels in time, at any time point."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.console.conftest import run_workshop
from tests.api.lakes import Sample, add_sample

from voxlake.ngff.grid.layout import Kind
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.console.conftest import Workshop

NUCLEI = "/datasets/lab/brain/nuclei"
SHAPE = (3, 4, 5, 6)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A gateway with labels of three time points: label 10 + t has t + 1 voxels at time t."""
    voxels = np.zeros(SHAPE, np.uint64)
    for time in range(3):
        voxels[time, 1, 2, : time + 1] = 10 + time
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("time") / "lake"))
    with run_workshop(lake, Settings()) as workshop:
        axes = ("t", "z", "y", "x")
        nuclei = Sample("lab/brain/nuclei", voxels, Kind.LABELS, axes=axes, levels=1, indexed=False)
        add_sample(lake, workshop.catalog, nuclei)
        yield workshop


def test_labels_are_listed_and_looked_up_at_a_time_point(own: Workshop) -> None:
    with own.browser("ada") as ada:
        for time in range(3):
            page = ada.get(f"{NUCLEI}/labels", params={"t": time}).text
            listed = re.findall(r'<th scope="row"><a href="([^"]+)">(\d+)</a>', page)
            assert [label for _, label in listed] == [str(10 + time)]
            assert f"t={time}" in listed[0][0], "the time point is kept"
            assert f'max="2" value="{time}"' in page
            assert f"level=0&amp;at=1&amp;t={time}" in page
            found = ada.get(f"{NUCLEI}/labels?label={10 + time}&t={time}").text
            assert f'class="number">{time + 1}</td>' in found
        assert f'value="{0}"' in ada.get(f"{NUCLEI}/labels").text
        assert "at time point 2" in ada.get(f"{NUCLEI}/labels?label=10&t=2").text
        beyond = ada.get(f"{NUCLEI}/labels?t=3")
        assert beyond.status_code == 400
        assert "Time point" not in ada.get("/datasets/lab/brain/cells/labels").text
        assert ada.get("/datasets/lab/brain/cells/labels?t=1").status_code == 400


def test_a_slice_is_shown_at_a_time_point(own: Workshop) -> None:
    with own.browser("ada") as ada:
        page = ada.get(f"{NUCLEI}?at=1&t=2").text
        assert "z = 1 of 0 to 3, level 0, t = 2" in page
        assert "t=2" in (re.search(r'<img src="([^"]+)"', page) or [""])[1]
        assert ada.get(f"{NUCLEI}?t=3").status_code == 400
