"""Only what is there is merged and split, and into numbers that nothing has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.ngff.labels.mapping.mapping import bodies_of, open_mapping
from voxlake.ngff.labels.merges import cleave, merge
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


@pytest.fixture(params=["indexed", "not indexed"])
def labels(lake: StoreURL, request: pytest.FixtureRequest) -> Labels:
    """Labels 1 to 4, a voxel each."""
    volume, index = new_volume(lake / "labels"), lake / "index"
    box = Box((0, 0, 0), (1, 1, 4))
    write_labels(volume, index, box, np.arange(1, 5, dtype=np.uint64).reshape(box.shape))
    if request.param == "indexed":
        compact(Labels(volume, index))
    return Labels(volume, index)


def number(labels: Labels) -> int:
    return open_mapping(labels.index_url).number


@pytest.mark.parametrize("bodies", [[1, 99], [99, 1], [98, 99], [1, 2, 5]])
def test_ids_that_no_voxel_has_are_not_merged(labels: Labels, bodies: list[int]) -> None:
    with pytest.raises(NotFoundError, match="no voxel has"):
        merge(labels, bodies)
    assert number(labels) == 0


def test_bodies_are_there_by_their_supervoxels(labels: Labels) -> None:
    import_mapping(labels.index_url, [1, 2, 70], [10, 10, 71])
    assert merge(labels, [10, 3], "ann").number == 2
    assert bodies_of(open_mapping(labels.index_url), [1, 2, 3, 4]).tolist() == [10, 10, 10, 4]
    with pytest.raises(NotFoundError, match="no voxel has 71"):
        merge(labels, [10, 71])
    with pytest.raises(ConflictError, match="3 is no body"):
        merge(labels, [10, 3])
    with pytest.raises(InvalidInputError):
        merge(labels, [10, 0])


def test_only_supervoxels_that_are_there_are_split_off(labels: Labels) -> None:
    merge(labels, [1, 2, 3])
    with pytest.raises(NotFoundError, match="no voxel has 99"):
        cleave(labels, 99, [99], 100)
    for taken in (4, 3):
        with pytest.raises(ConflictError):
            cleave(labels, 1, [2], into=taken)
    assert number(labels) == 1
    assert cleave(labels, 1, [2], into=2).number == 2
    assert cleave(labels, 1, [3], into=50).number == 3
    assert bodies_of(open_mapping(labels.index_url), [1, 2, 3, 4]).tolist() == [1, 2, 50, 4]
