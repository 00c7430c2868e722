"""Forecasts against what the real ingest does."""

from __future__ import annotations

import math
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.conftest import forget_stores
from tests.servers.s3_proxy import s3_proxy

from voxlake.compute.forecast.costs import read_prices
from voxlake.compute.forecast.forecast import Machines, forecast
from voxlake.compute.forecast.sampling import take_sample
from voxlake.compute.forecast.stages import in_words
from voxlake.compute.forecast.target import Target, target_of_dataset, target_of_ingest
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_downsample,
    start_ingest,
)
from voxlake.compute.jobs.kinds import kind_of, work_of
from voxlake.compute.jobs.kinds.ingest import INGEST
from voxlake.compute.jobs.kinds.ingest_spec import ingest_spec
from voxlake.compute.jobs.kinds.kind import Work
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.cut import Limits, Reading
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt
    from tests.servers.s3 import S3Server

    from voxlake.compute.forecast.sampling import Sample
    from voxlake.documents.jobs.plan import PlanDocument
    from voxlake.ngff.dataset import Dataset

SIZE = VoxelSize(10, 10, 10)
EM = Place(DatasetName("lab", "cube", "em"), Kind.IMAGE)
CELLS = Place(DatasetName("lab", "cube", "cells"), Kind.LABELS)
SETTINGS = Settings(workers=0)
PATIENCE_S = 300.0
"""Of a sample that is to be whole: a hundred times what it takes, so that no load cuts it short."""
LIMITS = Limits(SETTINGS.task_bytes, SETTINGS.memory_limit_bytes, 2)


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, SETTINGS) as opened:
        yield opened


def _plan(target: Target, sample: Sample, cores: int = 2, threads: int = 2) -> PlanDocument:
    machines = Machines(cores, threads, SETTINGS.memory_limit_bytes, "these")
    prices, where, _ = read_prices()
    return forecast(target, sample, machines, prices, where)


def _forecast(request: IngestRequest, most_bytes: int = 256 << 20) -> PlanDocument:
    target = target_of_ingest(ingest_spec(request, None, SETTINGS), LIMITS)
    return _plan(target, take_sample(target, most_bytes, seconds=PATIENCE_S))


def _stored(dataset: Dataset, number: int) -> list[int]:
    """Return the sizes of the shards of a level."""
    url = dataset.level_url(number)
    return [found.size for found in store.walk(url) if found.url.name != "zarr.json"]


def _noise(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _tissue(shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Return an image as FIB-SEM makes them: smooth structure, and noise that hardly compresses."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    smooth = 128 + 30 * np.sin(z / 9) * np.cos(y / 13 + x / 17)
    rough = np.random.default_rng(1).normal(0, 12, shape)
    return np.asarray(np.clip(smooth + rough, 0, 255), np.uint8)


def _sparse(shape: tuple[int, int, int]) -> npt.NDArray[np.uint64]:
    """Return labels of thin fibres through a volume that is otherwise empty."""
    voxels = np.zeros(shape, np.uint64)
    rng = np.random.default_rng(2)
    for label in rng.integers(1, 2**63, 40, np.uint64):
        y, x = rng.integers(0, shape[1] - 8), rng.integers(0, shape[2] - 8)
        voxels[:, y : y + 6, x : x + 6] = label
    return voxels


CASES: dict[str, tuple[Place, Callable[[], npt.NDArray[Any]] | str, float]] = {
    "phantom": (EM, "phantom:280", 0.02),
    "phantom labels": (CELLS, "phantom:200?kind=labels", 0.1),
    "tissue": (EM, lambda: _tissue((200, 260, 270)), 0.02),
    "noise": (EM, lambda: _noise((130, 300, 310)), 0.02),
    "sparse": (CELLS, lambda: _sparse((128, 320, 320)), 0.35),
}
"""What is ingested, and how far from the truth the estimate may be where a part is sampled."""


@pytest.mark.parametrize("case", CASES)
def test_what_is_stored_is_what_was_forecast(
    workspace: Workspace, tmp_path: Path, case: str
) -> None:
    place, made, tolerance = CASES[case]
    source = made if isinstance(made, str) else str(tmp_path / "voxels.npy")
    if not isinstance(made, str):
        np.save(source, made())
    request = IngestRequest(source, place, SIZE)
    whole = _forecast(request)
    itemsize = whole.levels[0].raw_bytes // math.prod(whole.levels[0].shape)
    part = _forecast(request, 16 * itemsize << 20)
    run_job(workspace, start_ingest(workspace, request))
    dataset = workspace.dataset(place)
    assert len(part.levels) == dataset.levels
    real = 0
    for number, level in enumerate(whole.levels):
        volume, sizes = dataset.level(number), _stored(dataset, number)
        assert (level.shape, level.chunk, level.shard) == (volume.shape, volume.chunk, volume.shard)
        assert len(sizes) <= level.shards
        assert level.empty > 0 or len(sizes) == level.shards
        real += sum(sizes)
    assert len(list(store.walk(dataset.url))) <= whole.objects
    assert whole.sample.whole
    assert whole.levels[0].stored_bytes == sum(_stored(dataset, 0))
    assert whole.stored.bytes == pytest.approx(real, rel=0.06)  # Top levels: parts of chunks.
    assert whole.stored.low == whole.stored.high == whole.stored.bytes
    assert part.stored.bytes == pytest.approx(real, rel=tolerance)
    slack = (0.06 if part.sample.whole else 0.02) * real
    assert part.stored.low - slack <= real <= part.stored.high + slack


@pytest.mark.parametrize(
    ("request_", "task_bytes"),
    [
        (IngestRequest("phantom:150,600,700", EM, SIZE), 1 << 30),
        (IngestRequest("phantom:150,600,700", EM, SIZE), 1),
        (IngestRequest("phantom:64?kind=labels", CELLS, SIZE, index=True), 1 << 30),
        (IngestRequest("phantom:70,80,90", EM, SIZE, factors=((1, 3, 3), (2, 2, 2))), 1),
        (IngestRequest("phantom:1,900,1500", EM, SIZE), 1),
    ],
)
def test_stages_are_those_that_the_job_has(
    lake: StoreURL, request_: IngestRequest, task_bytes: int
) -> None:
    settings = Settings(workers=0, task_bytes=task_bytes)
    with Workspace.opened(lake, settings) as workspace:
        job = start_ingest(workspace, request_)
        spec = ingest_spec(request_, None, settings)
        work = work_of(workspace, job)
        assert work.spec == spec
        INGEST.prepare(work)
        plans = INGEST.stages(work)
        target = target_of_ingest(spec, task_limits(settings, spec.task_bytes))
        found = _plan(target, take_sample(target, 1 << 20))
        again = target_of_dataset(
            str(request_.place.name),
            workspace.dataset(request_.place),
            task_limits(settings, task_bytes),
        )
        rebuilt = _plan(again, take_sample(again, 1 << 20))
        other = start_downsample(workspace, request_.place.name)
        plans_again = kind_of(other).stages(work_of(workspace, other))
    for stages, real in ((found.stages, plans), (rebuilt.stages, plans_again)):
        assert [
            (stage.name, stage.tasks, stage.memory_bytes, stage.voxels) for stage in stages
        ] == [(plan.stage, len(plan), plan.bytes_per_task, plan.voxels) for plan in real]


def test_a_task_stays_below_the_memory_that_was_forecast(workspace: Workspace) -> None:
    request = IngestRequest("phantom:128,512,1024", EM, SIZE)
    found = _forecast(request, 4 << 20)
    spec = ingest_spec(request, None, SETTINGS)
    work = Work(workspace, "the job", spec)
    INGEST.prepare(work)
    (plan,) = INGEST.stages(work)
    plan.make((0, 0, 0))  # Whatever is imported on the way is no task's.
    tracemalloc.start()
    plan.task(0)()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.stages[0].memory_bytes / 20 < peak < found.stages[0].memory_bytes


def test_requests_are_those_that_the_store_sees(
    s3_server: S3Server, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    request = IngestRequest("phantom:100,600,600", EM, SIZE)
    settings = Settings(workers=0, task_bytes=1)
    target = target_of_ingest(ingest_spec(request, None, settings), Limits(1, 4 << 30, 2))
    expected = _plan(target, take_sample(target)).requests
    with s3_proxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("VOXLAKE_S3_ENDPOINT", proxy.endpoint)
        forget_stores()
        lake = StoreURL.parse(f"s3://{s3_store.root}/{s3_store.key}", Settings())
        with Workspace.opened(lake, Settings(workers=0, task_bytes=1)) as workspace:
            job = start_ingest(workspace, request)
            proxy.requests.clear()
            run_job(workspace, job)
        found = Counter(each.method for each in proxy.requests)
        assert found["PUT"] == expected.put
        assert found["DELETE"] == expected.delete == 0
        assert found["HEAD"] == expected.head
        assert found["GET"] == pytest.approx(expected.get, rel=0.1)
    forget_stores()


def test_reading_is_told_in_words() -> None:
    assert "each block is decoded 1.25 times" in in_words(Reading.DIRECT, 1.25)
    assert "temporary file" in in_words(Reading.STAGED, 1.0)
    assert "memory" in in_words(Reading.LAYERED, 1.0)


def test_a_staged_source_needs_scratch_space_for_its_layers(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "slices").mkdir()
    for z in range(80):
        Image.fromarray(_noise((200, 300))).save(tmp_path / "slices" / f"{z:03}.png")
    request = IngestRequest(str(tmp_path / "slices"), EM, SIZE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxlake.compute.passes.cut.WIDE_STRIP_BYTES", 1 << 10)
        spec = ingest_spec(request, None, SETTINGS)
        target = target_of_ingest(spec, Limits(1, 1 << 10, 2))
        found = _plan(target, take_sample(target, 1 << 20))
    stage = found.stages[0]
    assert "staged" in stage.reading
    assert stage.reads == 1.0
    assert found.memory.scratch_bytes >= 2 * 64 * 200 * 300


def test_a_sample_ends_in_time_and_has_one_box_at_least() -> None:
    request = IngestRequest("phantom:100000", EM, SIZE)
    target = target_of_ingest(ingest_spec(request, None, SETTINGS), LIMITS)
    sample = take_sample(target, seconds=0)
    assert len(sample.pieces) == 1
    assert not sample.whole
    found = _plan(target, sample, 1000, 4)
    assert found.stored.low < found.stored.bytes < found.stored.high
    assert found.levels[0].raw_bytes == 10**15
    assert found.time.seconds < found.time.core_seconds


def test_few_tasks_do_not_fill_a_cluster() -> None:
    request = IngestRequest("phantom:64", EM, SIZE)
    target = target_of_ingest(ingest_spec(request, None, SETTINGS), LIMITS)
    sample = take_sample(target)
    small, large = (_plan(target, sample, cores, 4).time for cores in (4, 4000))
    assert small.seconds == large.seconds == pytest.approx(small.core_seconds / 4)
