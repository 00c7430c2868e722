"""zarr-python, with its default pipeline of codecs or a faster one that has to be asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr

from benchmarks.boxes import FIRST, box_megabytes, cutout_boxes, first_read
from benchmarks.candidates.slabs import read_slab, shard_slabs
from benchmarks.candidates.tensorstore import factors
from benchmarks.case import Case, Step, create_array
from benchmarks.reference import block_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIPELINES = {
    "Batched": "zarr.core.codec_pipeline.BatchedCodecPipeline",
    "Fused": "zarr.core.codec_pipeline.FusedCodecPipeline",
    "zarrs": "zarrs.ZarrsCodecPipeline",
}
"""The default of zarr-python, its faster one, and the one in Rust."""


def ingest(case: Case, pipeline: str) -> Iterator[Step]:
    """Write level 0 from the stack."""
    choose(pipeline)
    array = open_array(create_array(case, 0))

    def run() -> None:
        for start, stop in shard_slabs(case, 0):
            array[start:stop] = read_slab(case, start, stop)

    yield Step("ingest", case.megabytes, run)


def pyramid(case: Case, pipeline: str) -> Iterator[Step]:
    """Write each level from the one below it, with NumPy's mean of blocks."""
    choose(pipeline)
    arrays = [open_array(case.stored / "0", "r")]
    arrays += [open_array(create_array(case, level)) for level in range(1, len(case.documents))]

    def run() -> None:
        for level in range(1, len(arrays)):
            steps = factors(case, level)
            for start, stop in shard_slabs(case, level):
                fine = read(arrays[level - 1], (slice(start * steps[0], stop * steps[0]),))
                arrays[level][start:stop] = block_mean(fine, tuple(steps))

    yield Step("pyramid", case.megabytes, run)


def cutout(case: Case, pipeline: str) -> Iterator[Step]:
    """Read boxes of level 0."""
    choose(pipeline)
    yield first_read(lambda: read(open_array(case.stored / "0", "r"), FIRST))
    array = open_array(case.stored / "0", "r")
    for name, box in cutout_boxes(case):
        yield Step(name, box_megabytes(box), partial(read, array, box))


def choose(pipeline: str) -> None:
    """Use this pipeline of codecs: one of zarr-python's own, or that of the package zarrs."""
    zarr.config.set({"codec_pipeline.path": PIPELINES[pipeline]})


def open_array(folder: Path, mode: str = "r+") -> zarr.Array[Any]:
    """Open an array that is there."""
    return zarr.open_array(str(folder), mode="r" if mode == "r" else "r+")


def read(array: zarr.Array[Any], box: tuple[slice, ...]) -> npt.NDArray[np.uint8]:
    """Return the voxels of a box."""
    return np.asarray(array[box], np.uint8)
