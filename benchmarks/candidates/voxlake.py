"""voxlake: the jobs that its command runs, catalog, ledger and Dask included."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.boxes import FIRST, box_megabytes, cutout_boxes, first_read
from benchmarks.case import DATASET, Case, Step
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_downsample,
    start_ingest,
)
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.reading.loading import load_reader
from voxlake.ngff.volume import Volume, open_volume
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

NAME = DatasetName.parse(DATASET)
VOXEL_SIZE = VoxelSize(10, 10, 10)


def ingest(case: Case, workers: int, levels: int | None = 1) -> Iterator[Step]:
    """Write level 0 from the stack, and the whole pyramid above it if `levels` is None."""
    warm_up()
    settings = Settings(workers=workers)
    with Workspace.opened(StoreURL.parse(str(case.output)), settings) as workspace:

        def run() -> None:
            ingest_source(workspace, str(case.inputs / "stack"), levels=levels)

        yield Step("ingest", case.megabytes, run)


def pyramid(case: Case, workers: int) -> Iterator[Step]:
    """Write all levels above 0 of the prepared lake anew."""
    for level in range(1, len(case.documents)):
        shutil.rmtree(case.stored / str(level) / "c", ignore_errors=True)
    warm_up()
    settings = Settings(workers=workers)
    with Workspace.opened(StoreURL.parse(str(case.lake)), settings) as workspace:

        def run() -> None:
            run_job(workspace, start_downsample(workspace, NAME))

        yield Step("pyramid", case.megabytes, run)


def cutout(case: Case, cache_bytes: int) -> Iterator[Step]:
    """Read boxes of level 0."""
    load_reader()
    url = StoreURL.parse(str(case.stored / "0"))
    yield first_read(lambda: read(open_volume(url, cache_bytes), FIRST))
    volume = open_volume(url, cache_bytes)
    for name, box in cutout_boxes(case):
        yield Step(name, box_megabytes(box), partial(read, volume, box))


def read(volume: Volume, box: tuple[slice, ...]) -> npt.NDArray[Any]:
    """Return the voxels of a box."""
    start, stop = tuple(s.start for s in box), tuple(s.stop for s in box)
    return volume.read(Box(start, stop)).result()


def memory(case: Case, source: str, megabytes: float, workers: int) -> Iterator[Step]:
    """Ingest a source with its whole pyramid."""
    warm_up()
    settings = Settings(workers=workers)
    with Workspace.opened(StoreURL.parse(str(case.output)), settings) as workspace:
        yield Step("memory", megabytes, lambda: ingest_source(workspace, source))


def ingest_source(workspace: Workspace, source: str, levels: int | None = None) -> None:
    """Run the whole job of an ingest."""
    place = Place(NAME, Kind.IMAGE)
    request = IngestRequest(source, place, VOXEL_SIZE, levels=levels)
    run_job(workspace, start_ingest(workspace, request))


def warm_up() -> None:
    """Ingest a few voxels elsewhere: that loads compiled kernels, left out as imports are."""
    with (
        tempfile.TemporaryDirectory() as lake,
        Workspace.opened(StoreURL.parse(lake), Settings(workers=0)) as workspace,
    ):
        ingest_source(workspace, "phantom:65")


def prepare_lake(lake: Path, stack: Path) -> None:
    """Make the lake that pyramids are built in and cutouts are read from."""
    lake.mkdir()
    with Workspace.opened(StoreURL.parse(str(lake)), Settings(workers=0)) as workspace:
        ingest_source(workspace, str(stack))
