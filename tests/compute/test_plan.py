"""Plans: one task for each cell of the write grid, made on demand."""

from __future__ import annotations

import itertools
import pickle
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.compute.passes.cut import Cut, Reading
from voxlake.compute.passes.downsample import DownsampleTask, Step
from voxlake.compute.passes.ingest import IngestTask, SourceAddress
from voxlake.compute.passes.plans import PassSpec, RegionTask
from voxlake.compute.plan import Plan, Result, Task, fingerprint
from voxlake.ngff.grid.reduction import Reduction
from voxlake.platform.errors import LimitExceededError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Cell


def _make(cell: Cell) -> Task:
    def task() -> Result:
        return Result(voxels=sum(cell))

    return task


def _plan(grid: tuple[int, ...], bytes_per_task: int = 0) -> Plan:
    return Plan("stage", grid, _make, "mark", bytes_per_task)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple))
def test_cells_are_those_of_the_grid_in_c_order(grid: tuple[int, ...]) -> None:
    plan = _plan(grid)
    assert [plan.cell(i) for i in range(len(plan))] == list(itertools.product(*map(range, grid)))


def test_a_plan_too_large_for_memory_is_refused() -> None:
    _plan((2,), 1000).check_memory(1000)
    with pytest.raises(LimitExceededError, match="1,001 bytes"):
        _plan((2,), 1001).check_memory(1000)


def test_a_plan_of_a_million_tasks_takes_no_memory() -> None:
    tracemalloc.start()
    plan = _plan((98, 98, 97))
    last = plan.task(len(plan) - 1)()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last == Result(voxels=97 + 97 + 96)
    assert peak < 100_000


def test_tasks_pickle_to_a_few_hundred_bytes() -> None:
    lake = StoreURL.parse("s3://bucket/some/lake?endpoint=http://store.example.org:9000")
    url = lake / "collection/experiment/dataset.ome.zarr/0"
    source = SourceAddress("/data/experiment/slices/*.tif", fingerprint("x"))
    cut = Cut(3, (1024,) * 3, (64,) * 3, ((64, 64, 2048),) * 3, Reading.DIRECT, 1.0, 1 << 28)
    spec = PassSpec(source, lake / "collection/experiment/dataset.ome.zarr", 0, cut)
    tasks = [
        RegionTask(spec, (1, 2, 3)),
        IngestTask(source, url, (10, 20, 30)),
        DownsampleTask(Step(url, url, (2, 2, 2), Reduction.MEAN), (10, 20, 30)),
    ]
    for task in tasks:
        assert len(pickle.dumps(task)) < 900
        assert pickle.loads(pickle.dumps(task)) == task


def test_fingerprints_tell_what_differs() -> None:
    first = fingerprint("ingest", {"shape": (1, 2)}, np.dtype("u1"))
    assert first == fingerprint("ingest", {"shape": (1, 2)}, np.dtype("u1"))
    assert first != fingerprint("ingest", {"shape": (1, 3)}, np.dtype("u1"))
