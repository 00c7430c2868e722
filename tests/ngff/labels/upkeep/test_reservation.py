"""Reserved ids are never given twice, and never in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.writing import write_labels

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.changes import cleave, import_mapping
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.writing import delete_objects, put_objects
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.platform.errors import InvalidInputError, LimitExceededError

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


def put(volume: Volume, index: StoreURL, label: int) -> None:
    write_labels(volume, index, Box((0, 0, 0), (1, 1, 1)), np.full((1, 1, 1), label, np.uint64))


def test_many_at_once_get_different_ids(any_store: StoreURL) -> None:
    volume, index = new_volume(any_store / "labels"), any_store / "index"
    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(lambda n: reserve(Labels(volume, index), n % 3 + 1), range(12)))
    ids = [label for block in blocks for label in block]
    assert len(ids) == len(set(ids)) == sum(n % 3 + 1 for n in range(12))
    assert min(ids) == 1


@pytest.mark.parametrize("indexed", [True, False])
def test_ids_are_above_all_that_has_a_name(lake: StoreURL, indexed: bool) -> None:
    volume, index = new_volume(lake / "labels"), lake / "index"
    put(volume, index, 3)
    if indexed:
        compact(Labels(volume, index))
    import_mapping(index, [1, 2], [10, 10])
    assert reserve(Labels(volume, index), 20) == range(11, 31)
    import_mapping(index, [50, 2], [7, 10])  # 50 is no voxel's yet: painted, it would be of 7
    assert reserve(Labels(volume, index), 2) == range(51, 53)
    put_objects(index, [LabelObject(id=60), LabelObject(id=5)])
    assert reserve(Labels(volume, index), 1) == range(61, 62)
    delete_objects(index, [70])
    assert reserve(Labels(volume, index), 1) == range(71, 72)
    cleave(index, 7, [50], into=80)
    assert reserve(Labels(volume, index), 1) == range(81, 82)


def test_ids_are_above_those_in_use(lake: StoreURL) -> None:
    volume, index = new_volume(lake / "labels"), lake / "index"
    put(volume, index, 40)
    assert reserve(Labels(volume, index), 2, by="ada") == range(41, 43)
    put(volume, index, 99)
    compact(Labels(volume, index))
    assert reserve(Labels(volume, index), 1) == range(100, 101)
    assert reserve(Labels(volume, index), 3) == range(101, 104)


def test_there_are_no_ids_above_the_last(lake: StoreURL) -> None:
    volume, index = new_volume(lake / "labels"), lake / "index"
    put(volume, index, (1 << 64) - 2)
    assert list(reserve(Labels(volume, index), 1)) == [(1 << 64) - 1]
    with pytest.raises(LimitExceededError, match="ids end"):
        reserve(Labels(volume, index), 1)
    with pytest.raises(InvalidInputError, match="1 or more"):
        reserve(Labels(volume, index), 0)
