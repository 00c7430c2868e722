"""What the index of labels says, held against their voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.ngff import lake
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.platform.errors import NotFoundError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from tests.api.conftest import Served


def check_index(served: Served, name: str) -> None:
    """Compare what is known of each label of a dataset with its voxels, and none is left behind."""
    place = lake.place_of(served.catalog.get_dataset(DatasetName.parse(name)))
    labels = open_labels(served.lake / place.key, served.lake / place.index_key)
    voxels = served.voxels[name]
    status, view = index_status(labels), labels.view()
    assert (status.stale, status.missing) == (0, 0)
    here = np.unique(voxels[voxels != 0])
    np.testing.assert_array_equal(np.sort(view.all().labels), here)
    for label in here.tolist():
        where = np.argwhere(voxels == label)
        extent = view.extent(label)
        assert extent.voxels == len(where)
        assert extent.box == Box(tuple(where.min(0)), tuple(where.max(0) + 1))
    with pytest.raises(NotFoundError):
        view.extent(2**63 + 12345)
