"""What has not kept up with level 0 is found: coarser levels, label indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.checks.stale import LATE, Behind, find_behind, look_at_stale, outcome_of
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.writing import write_voxels
from voxlake.platform import store
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

BOX = Box((0, 0, 0), (4, 4, 4))


@pytest.fixture
def catalog(lake: StoreURL) -> Iterator[Catalog]:
    """The catalog of a lake with an image and labels of it, a few voxels of both just written."""
    with open_catalog(lake, Settings()) as opened:
        shape = (20, 30, 40)
        em = add_sample(lake, opened, Sample("a/b/em", image_voxels(shape)))
        cells = Sample("a/b/cells", label_voxels(shape), Kind.LABELS, of="em")
        labels = add_sample(lake, opened, cells)
        volume = open_dataset(em).level(0)
        write_voxels(volume, BOX, np.full(BOX.shape, 9, volume.dtype))
        drawn = open_labels(labels, lake / "a/b/em.index/cells")
        write_labels(drawn, BOX, np.full(BOX.shape, 9, drawn.volume.dtype), by="ada")
        yield opened


def behind(lake: StoreURL, catalog: Catalog, after: timedelta) -> set[tuple[str, str]]:
    """Return what is behind a while after it was written."""
    moment = datetime.now(UTC) + after
    found = find_behind(lake, catalog.list_datasets(), moment)
    return {(each.dataset, each.what) for each in found}


def test_what_was_written_of_late_is_not_behind(lake: StoreURL, catalog: Catalog) -> None:
    assert behind(lake, catalog, LATE / 2) == set()
    assert look_at_stale(lake, catalog.list_datasets())[0] == "ok"


def test_what_was_written_long_ago_is(lake: StoreURL, catalog: Catalog) -> None:
    assert behind(lake, catalog, 2 * LATE) == {
        ("a/b/em", "levels"),
        ("a/b/cells", "levels"),
        ("a/b/cells", "index"),
    }


def test_one_that_cannot_be_read_holds_up_no_other(lake: StoreURL, catalog: Catalog) -> None:
    store.write(lake / "a/b/em.ome.zarr/labels/cells/zarr.json", b"{")
    assert behind(lake, catalog, 2 * LATE) >= {("a/b/cells", "unreadable"), ("a/b/em", "levels")}


def test_what_is_behind_is_told_with_what_to_do() -> None:
    since = datetime(2026, 11, 28, tzinfo=UTC)
    many = [Behind(f"a/b/d{number}", "levels", since) for number in range(7)]
    state, found, advice = outcome_of(7, many)
    assert state == "warn"
    assert "a/b/d4" in found
    assert "a/b/d5" not in found
    assert found.endswith("and 2 more")
    assert advice == "let a worker make levels anew: voxlake worker --follow 60"
