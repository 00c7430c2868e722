"""Rebuilding under changed boxes: equal to building all anew, and nothing else is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, create, fill

from voxlake.compute.passes.downsample import Step
from voxlake.compute.passes.rebuild import plan_rebuild
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store

if TYPE_CHECKING:
    import numpy.typing as npt
    import pytest

    from voxlake.platform.store import StoreURL

SHAPE = (40, 70, 700)
starts = st.tuples(*(st.integers(0, n - 1) for n in SHAPE))


@settings(max_examples=12)
@given(
    kind=st.sampled_from(Kind), corners=st.lists(st.tuples(starts, starts), min_size=1, max_size=4)
)
def test_levels_are_as_if_all_were_built_anew(
    lake: StoreURL, kind: Kind, corners: list[tuple[tuple[int, ...], tuple[int, ...]]]
) -> None:
    dtype = "uint64" if kind is Kind.LABELS else "uint8"
    sample = Sample(kind, SHAPE, dtype, name=f"d{abs(hash((kind, str(corners))))}")
    dataset = create(lake, sample)
    voxels = fill(dataset, sample)[0]
    boxes = []
    rng = np.random.default_rng(3)
    for a, b in corners:
        box = Box(tuple(map(min, a, b)), tuple(max(p) + 1 for p in zip(a, b, strict=True)))
        voxels[box.slices] = rng.choice(np.array([0, 7], dtype), box.shape)
        dataset.level(0).write(box, voxels[box.slices]).result()
        boxes.append(box)
    for plan in plan_rebuild(dataset, boxes):
        for index in range(len(plan)):
            plan.task(index)()
    for level in range(1, dataset.levels):
        voxels = downsample(voxels, dataset.step(level), dataset.reduction)
        volume = dataset.level(level)
        np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)


def test_a_box_that_holds_all_others_is_made_at_once(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = Sample(shape=(40, 70, 130))
    dataset = create(lake, sample)
    fill(dataset, sample)
    real, read = Step.read, list[Box]()

    def noting(step: Step, box: Box) -> npt.NDArray[Any]:
        read.append(box)
        return real(step, box)

    monkeypatch.setattr(Step, "read", noting)
    whole = dataset.level(0).box
    plans = plan_rebuild(dataset, [Box((0, 0, 0), (4, 4, 4)), whole, Box((4, 4, 4), (9, 9, 90))])
    for plan in plans:
        plan.task(0)()
    assert read == [dataset.level(level).box for level in range(1, dataset.levels)]


def test_only_shards_under_the_boxes_are_written(lake: StoreURL) -> None:
    sample = Sample(shape=(40, 70, 2000))
    dataset = create(lake, sample)
    fill(dataset, sample)
    before = {info.url: info.etag for info in store.walk(lake)}
    box = Box((0, 0, 0), (4, 4, 4))
    dataset.level(0).write(box, np.full(box.shape, 9, np.uint8)).result()
    plans = plan_rebuild(dataset, [box])
    assert [len(plan) for plan in plans] == [1] * (dataset.levels - 1)
    assert sum(plan.voxels for plan in plans) < 20
    for plan in plans:
        plan.task(0)()
    after = {info.url: info.etag for info in store.walk(lake)}
    written = {url for url in before if after[url] != before[url]}
    first = [dataset.level(n).shard_url((0, 0, 0)) for n in range(dataset.levels)]
    # In the highest the mean is what it was, and nothing is stored.
    assert {*first[:3]} <= written <= {*first}
    assert len(before) > len(first) + dataset.levels + 1
