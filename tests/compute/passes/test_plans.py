"""Passes: whatever the cut, every level is what reducing the whole at once gives."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import resource
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.compute.passes import region as passes
from voxlake.compute.passes import threads
from voxlake.compute.passes.cut import MOST_TOGETHER, Limits, Reading
from voxlake.compute.passes.ingest import SourceAddress
from voxlake.compute.passes.plans import MOST_OPEN, LevelReader, plan_passes
from voxlake.compute.passes.reduce import downsample
from voxlake.compute.sources import opening
from voxlake.compute.sources.calibration import UNKNOWN, Calibration
from voxlake.compute.verify.results import ComparedShard, compared_shards
from voxlake.compute.verify.source import plan_verify_source
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind, Layout
from voxlake.ngff.grid.pyramid import Extent, plan_levels_by
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset
from voxlake.ngff.shards.whole import encode_shard
from voxlake.platform import store
from voxlake.platform.errors import LimitExceededError, SourceError, UnsupportedError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.compute.plan import Plan
    from voxlake.ngff.volume import Volume

type Voxels = npt.NDArray[Any]

CHUNK, SHARD = (4, 8, 8), (8, 16, 16)
HALVES = ((2, 2, 2),) * 4
ODD = ((1, 2, 2), (3, 2, 2), (2, 4, 2))
AXES = ("z", "y", "x")


@dataclasses.dataclass
class ArraySource:
    """A source in memory that counts how often each block of it is read."""

    voxels: Voxels
    block: tuple[int, ...]
    fingerprint: str = "x"
    calibration: Calibration = UNKNOWN
    torn: Box | None = None
    reads: list[Box] = dataclasses.field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.voxels.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.voxels.dtype

    @property
    def axes(self) -> tuple[str, ...]:
        return ("t", "c", "z", "y", "x")[-self.voxels.ndim :]

    def read(self, box: Box) -> Voxels:
        self.reads.append(box)
        if self.torn is not None and not (box & self.torn).is_empty:
            raise SourceError("torn")
        return self.voxels[box.slices].copy()

    def check(self) -> None: ...

    def decodes(self) -> float:
        """How often a block was decoded, on average."""
        touched = sum(len(list(box.cells(self.block))) for box in self.reads)
        return touched / len(list(Box.of_shape(self.shape).cells(self.block)))


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ArraySource]]:
    """Sources that tasks find by their location."""
    known: dict[str, ArraySource] = {}
    real = opening.open_source
    monkeypatch.setattr(
        opening,
        "open_source",
        lambda name, axes="", **how: known.get(name) or real(name, axes, **how),
    )
    yield known
    opening._kept.cache_clear()


def new_dataset(
    lake: StoreURL, voxels: Voxels, steps: tuple[tuple[int, ...], ...], reduction: Reduction
) -> Dataset:
    """Create a dataset with small chunks and shards at every level."""
    axes = ("t", "c", *AXES)[-voxels.ndim :]
    lead = (1,) * (voxels.ndim - 3)
    extent = Extent(voxels.shape, axes, VoxelSize(10, 10, 10))
    kind = Kind.LABELS if reduction is Reduction.MODE else Kind.IMAGE
    levels = tuple(
        dataclasses.replace(level, layout=Layout(lead + CHUNK, lead + SHARD, 1))
        for level in plan_levels_by(kind, extent, tuple(lead + step for step in steps))
    )
    place = Place(DatasetName("c", "e", f"d{uuid4().hex}"), kind, None)
    new = NewDataset(place, axes, "nanometer", voxels.dtype, levels, reduction)
    return open_dataset(create_dataset(lake, new))


def check(dataset: Dataset, voxels: Voxels) -> None:
    """Hold every level to the whole, reduced at once; and its bytes to shards that are made alone.

    So a repair writes the bytes of the pass.
    """
    for number in range(dataset.levels):
        volume = dataset.level(number)
        if number:
            voxels = downsample(voxels, dataset.step(number), dataset.reduction)
        np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
        stored = {str(info.url): store.read(info.url).body for info in store.walk(volume.url / "c")}
        alone = {
            str(volume.shard_url(cell)): encode_shard(volume, voxels[volume.shard_box(cell).slices])
            for cell in volume.box.cells(volume.shard)
        }
        assert stored == {url: body for url, body in alone.items() if body is not None}


def check_index(dataset: Dataset, index: StoreURL) -> None:
    """Hold every sidecar to what indexing the stored shards gives, byte for byte."""
    anew, finest = index / "anew", dataset.level(0)
    for cell in finest.box.cells(finest.shard):
        index_shard(finest, cell, anew)
    expected = {info.url.key: store.read(info.url).body for info in store.walk(anew / "shards")}
    found = [info.url for info in store.walk(index / "shards")]
    assert len(found) == len(expected)
    for url in found:
        assert store.read(url).body == expected[(anew / "shards" / url.name).key]


def run(plans: list[Plan]) -> int:
    """Run all tasks, as a worker does, and return the voxels that they say they wrote."""
    voxels = 0
    for plan in plans:
        for index in range(len(plan)):
            task = pickle.loads(pickle.dumps(plan.task(index)))
            voxels += task().voxels
    return voxels


@settings(max_examples=40)
@given(data=st.data())
def test_every_level_is_right_whatever_the_cut(
    lake: StoreURL, sources: dict[str, ArraySource], data: st.DataObject
) -> None:
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 70), st.integers(1, 70)))
    lead = data.draw(st.sampled_from([(), (), (3,), (2, 2)]))
    block = data.draw(st.sampled_from([(1, 1, 1), (1, 99, 99), (8, 8, 8), (5, 7, 9), (4, 16, 99)]))
    together = data.draw(st.tuples(*(st.integers(1, n) for n in lead)))
    reduction = data.draw(st.sampled_from(Reduction))
    steps = data.draw(st.sampled_from([HALVES, ODD, HALVES[:1], ()]))
    dtype = "uint64" if reduction is Reduction.MODE else data.draw(st.sampled_from(["u1", "f4"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    voxels = rng.integers(0, 6, (*lead, *shape)).astype(dtype)
    voxels[..., : shape[-1] // 2] = 0
    clipped = tuple(map(min, (*together, *block), voxels.shape))
    location = uuid4().hex
    sources[location] = source = ArraySource(voxels, clipped)
    limits = Limits(
        data.draw(st.sampled_from([1, 1 << 12, 1 << 30])),
        data.draw(st.sampled_from([1 << 10, 1 << 30])),
        2,
    )
    dataset = new_dataset(lake, voxels, steps, reduction)
    index = lake / location if reduction is Reduction.MODE and not lead else None
    planned = plan_passes(dataset, SourceAddress(location, "x"), limits, index)
    cut = planned[0][1]
    assert cut is not None
    written = run([plan for plan, _ in planned])
    check(dataset, voxels)
    if index is not None:
        check_index(dataset, index)
    assert written == sum(plan.voxels for plan, _ in planned)
    # What the plan says of reading is what happens; strips shared by two regions count twice.
    assert source.decodes() >= 1
    if cut.reading is not Reading.DIRECT and cut.region[-3:] == shape:
        assert source.decodes() == 1


@pytest.mark.parametrize("memory", [1 << 30, 1 << 10])
@pytest.mark.parametrize("shape", [(3, 20, 64, 96), (2, 3, 20, 64, 96), (17, 6, 33, 40)])
def test_a_block_is_decoded_once_for_all_that_it_holds(
    lake: StoreURL, sources: dict[str, ArraySource], shape: tuple[int, ...], memory: int
) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, shape).astype("u1")
    sources["a"] = source = ArraySource(voxels, (*shape[:-3], 1, *shape[-2:]))
    dataset = new_dataset(lake, voxels, HALVES[:2], Reduction.MEAN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxlake.compute.passes.cut.WIDE_STRIP_BYTES", memory)
        planned = plan_passes(dataset, SourceAddress("a", "x"), Limits(memory, memory, 2))
    run([plan for plan, _ in planned])
    check(dataset, voxels)
    assert planned[0][1] is not None
    # Of so many that memory for them has no bound, some at a time are read.
    assert source.decodes() == planned[0][1].reads == (2 if shape[0] > MOST_TOGETHER else 1)


def test_an_index_of_what_cannot_be_indexed_is_refused_before_any_work(
    lake: StoreURL, sources: dict[str, ArraySource]
) -> None:
    voxels = np.ones((2, 8, 8, 8), np.uint64)
    sources["a"] = ArraySource(voxels, voxels.shape)
    dataset = new_dataset(lake, voxels, (), Reduction.MODE)
    with pytest.raises(UnsupportedError, match="label index"):
        plan_passes(dataset, SourceAddress("a", "x"), Limits(1, 1 << 30, 2), lake / "index")


@pytest.mark.parametrize("steps", [HALVES, ODD])
def test_shards_that_may_be_too_large_for_the_store_are_refused_before_any_work(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch, steps: tuple[tuple[int, int, int], ...]
) -> None:
    dataset = new_dataset(s3_store, np.zeros((40, 70, 90), np.uint16), steps, Reduction.MEAN)
    plan_passes(dataset, None, Limits(1, 1 << 30, 2))
    monkeypatch.setattr(objects, "MOST_PUT", 2 * 8 * 16 * 16 - 1)
    with pytest.raises(LimitExceededError, match="4,096 bytes, and stores take 4,095"):
        plan_passes(dataset, None, Limits(1, 1 << 30, 2))


def test_a_pyramid_alone_is_the_same_and_reads_level_0_only(lake: StoreURL) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (40, 70, 90)).astype("u1")
    dataset = new_dataset(lake, voxels, HALVES, Reduction.MEAN)
    finest = dataset.level(0)
    finest.write(finest.box, voxels).result()
    for task_bytes in (1, 1 << 30):
        planned = plan_passes(dataset, None, Limits(task_bytes, 1 << 30, 2))
        run([plan for plan, _ in planned])
        check(dataset, voxels)
    assert [plan.stage for plan, _ in planned] == ["downsample-1-4"]


def test_a_base_on_a_server_is_asked_for_while_strips_before_are_made(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (40, 70, 90)).astype("u1")
    dataset = new_dataset(s3_store, voxels, HALVES, Reduction.MEAN)
    finest = dataset.level(0)
    finest.write(finest.box, voxels).result()
    read_into, together, asked = LevelReader.read_into, Barrier(2), count()

    def read_beside_another(self: LevelReader, box: Box, out: Voxels) -> None:
        if next(asked) < 2:
            together.wait(30)
        read_into(self, box, out)

    monkeypatch.setattr(LevelReader, "read_into", read_beside_another)
    try:
        threads.use_threads(1)
        run([plan for plan, _ in plan_passes(dataset, None, Limits(1 << 30, 1 << 30, 1))])
    finally:
        threads.use_threads(threads.available_cores())
    check(dataset, voxels)


def test_slices_are_read_once_each_in_every_way_of_reading(
    lake: StoreURL, sources: dict[str, ArraySource]
) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (40, 64, 256)).astype("u1")
    for memory, reading in ((1 << 30, Reading.LAYERED), (1 << 10, Reading.STAGED)):
        location = uuid4().hex
        sources[location] = source = ArraySource(voxels, (1, 64, 256))
        dataset = new_dataset(lake, voxels, HALVES[:2], Reduction.MEAN)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("voxlake.compute.passes.cut.WIDE_STRIP_BYTES", 1 << 10)
            planned = plan_passes(dataset, SourceAddress(location, "x"), Limits(1, memory, 2))
        cut = planned[0][1]
        assert cut is not None
        assert cut.reading is reading
        run([plan for plan, _ in planned])
        check(dataset, voxels)
        assert source.decodes() == cut.reads == 1


def test_the_same_voxels_give_the_same_bytes_whatever_the_threads(
    lake: StoreURL, sources: dict[str, ArraySource]
) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (40, 70, 90)).astype("u1")
    sources["a"] = ArraySource(voxels, (1, 1, 1))
    bodies = []
    try:
        for count in (1, 2, 5):
            threads.use_threads(count)
            dataset = new_dataset(lake, voxels, HALVES, Reduction.MEAN)
            run(
                [p for p, _ in plan_passes(dataset, SourceAddress("a", "x"), Limits(1, 1 << 30, 2))]
            )
            levels = [dataset.level_url(n) / "c" for n in range(dataset.levels)]
            urls = [info.url for level in levels for info in store.walk(level)]
            bodies.append([store.read(url).body for url in sorted(urls, key=str)])
    finally:
        threads.use_threads(threads.available_cores())
    assert bodies[0] == bodies[1] == bodies[2]
    assert len(bodies[0]) > 30


def test_a_torn_source_stops_the_task_and_leaves_no_partial_file(
    lake: StoreURL, sources: dict[str, ArraySource]
) -> None:
    voxels = np.random.default_rng(0).integers(1, 255, (40, 70, 90)).astype("u1")
    sources["a"] = source = ArraySource(voxels, (1, 1, 1), torn=Box((30, 0, 0), (31, 70, 90)))
    dataset = new_dataset(lake, voxels, HALVES, Reduction.MEAN)
    plans = [
        p for p, _ in plan_passes(dataset, SourceAddress("a", "x"), Limits(1 << 30, 1 << 30, 2))
    ]
    with pytest.raises(SourceError, match="torn"):
        run(plans)
    assert not dataset.url.is_local or not list(dataset.url.path.rglob("*.partial"))
    source.torn = None
    run(plans)
    check(dataset, voxels)


def test_reversed_axes(lake: StoreURL, sources: dict[str, ArraySource]) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (21, 30, 40)).astype("u1")
    sources["a"] = ArraySource(voxels, (1, 30, 40))
    dataset = new_dataset(lake, voxels, HALVES[:1], Reduction.MEAN)
    address = SourceAddress("a", "x", ("z", "x"))
    run([plan for plan, _ in plan_passes(dataset, address, Limits(1, 1 << 30, 2))])
    check(dataset, voxels[::-1, :, ::-1])
    box = Box((2, 3, 4), (5, 9, 30))
    found = address.read(box, voxels.dtype)
    np.testing.assert_array_equal(found, voxels[::-1, :, ::-1][box.slices])


def test_an_error_in_one_of_two_regions_frees_its_place(
    lake: StoreURL, sources: dict[str, ArraySource]
) -> None:
    voxels = np.ones((8, 16, 16), "u1")
    sources["a"] = ArraySource(voxels, (1, 1, 1), torn=Box.of_shape(voxels.shape))
    dataset = new_dataset(lake, voxels, (), Reduction.MEAN)
    (plan, _), *_ = plan_passes(dataset, SourceAddress("a", "x"), Limits(1, 1 << 30, 2))
    for _ in range(5):
        with pytest.raises(SourceError):
            plan.task(0)()
    assert passes._AT_ONCE.acquire(blocking=False)
    passes._AT_ONCE.release()


@dataclasses.dataclass
class _ToldSource(ArraySource):
    """One that tells when it is read."""

    begun: Event = dataclasses.field(default_factory=Event)

    def read(self, box: Box) -> Voxels:
        self.begun.set()
        return super().read(box)


def test_a_region_begins_while_shards_of_another_wait_to_be_stored(
    lake: StoreURL, sources: dict[str, ArraySource]
) -> None:
    voxels = np.ones((8, 16, 16), "u1")
    source = sources["a"] = _ToldSource(voxels, (1, 1, 1))
    dataset, stored = new_dataset(lake, voxels, (), Reduction.MEAN), Event()
    (plan, _), *_ = plan_passes(dataset, SourceAddress("a", "x"), Limits(1, 1 << 30, 2))
    of_another = [threads.submit_waiting(stored.wait) for _ in range(2 * threads.WAITING)]
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(plan.task(0))
        try:
            assert source.begun.wait(30)
        finally:
            stored.set()
        assert task.result().voxels == voxels.size
    assert all(each.result() for each in of_another)


@pytest.mark.parametrize("memory", [1 << 30, 1 << 10])
def test_verifying_decodes_each_slice_once_and_names_what_differs(
    lake: StoreURL, sources: dict[str, ArraySource], memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxlake.compute.passes.cut.WIDE_STRIP_BYTES", 1 << 10)
    voxels = np.random.default_rng(0).integers(0, 255, (21, 40, 50)).astype("u1")
    sources["a"] = source = ArraySource(voxels, (1, 40, 50))
    dataset = new_dataset(lake, voxels, (), Reduction.MEAN)
    address, limits = SourceAddress("a", "x", ("z",)), Limits(1, memory, 2)
    run([plan for plan, _ in plan_passes(dataset, address, limits)])
    source.reads.clear()
    volume = dataset.level(0)
    plan = plan_verify_source(address, volume, limits, hashes=True)
    shards = shards_found(plan)
    assert source.decodes() == 1
    assert [shard.different for shard in shards] == [0] * len(shards)
    assert len(shards) == len(list(volume.box.cells(volume.shard)))
    for shard in shards:
        box = volume.shard_box(plan_cell(volume, shard.index))
        body = np.ascontiguousarray(voxels[::-1][box.slices]).tobytes()
        assert shard.decoded == hashlib.blake2b(body, digest_size=32).hexdigest()
    changed = Box((9, 17, 33), (10, 18, 35))
    volume.write(changed, 255 - voxels[::-1][changed.slices]).result()
    store.write(volume.shard_url((2, 0, 0)), b"torn")
    wrong = {shard.index: shard for shard in shards_found(plan) if shard.different}
    assert {plan_cell(volume, index) for index in wrong} == {(1, 1, 2), (2, 0, 0)}
    first, torn = sorted(wrong.values(), key=lambda shard: shard.different)
    assert (first.different, torn.decoded) == (2, None)
    assert "first at (1, 1, 1) of the shard" in str(first.note)


def test_verifying_keeps_few_of_a_regions_shards_open(
    tmp_path: Path, sources: dict[str, ArraySource]
) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (8, 160, 240)).astype("u1")
    sources["a"] = ArraySource(voxels, (1, 160, 240))
    dataset = new_dataset(StoreURL.parse(str(tmp_path)), voxels, (), Reduction.MEAN)
    address, limits = SourceAddress("a", "x"), Limits(1 << 30, 1 << 30, 2)
    run([plan for plan, _ in plan_passes(dataset, address, limits)])
    plan = plan_verify_source(address, dataset.level(0), limits)
    shards = len(list(dataset.level(0).box.cells(dataset.level(0).shard)))
    assert (len(plan), shards > 2 * MOST_OPEN) == (1, True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_open = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (is_open + MOST_OPEN + 20, hard))
    try:
        assert sum(shard.different for shard in shards_found(plan)) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def shards_found(plan: Plan) -> list[ComparedShard]:
    """Run the tasks of a verification and return what they found of each shard."""
    results = (plan.task(index)().encode() for index in range(len(plan)))
    return list(compared_shards(results))


def plan_cell(volume: Volume, index: int) -> tuple[int, ...]:
    """Return the cell of a shard by its number."""
    grid = volume.grid
    return tuple(int(at) for at in np.unravel_index(index, grid))
