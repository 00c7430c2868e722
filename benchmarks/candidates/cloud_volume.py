"""CloudVolume: an unsharded precomputed layer, zstd, a layer of chunks at a time, as igneous does.

Its own ``parallel`` is not used: with 2 processes, release 12.15.2 wrote half of the voxels wrong.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.candidates.slabs import THREADS, read_slab
from benchmarks.case import Case, Step, chunk_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

cloudvolume = import_module("cloudvolume")


def ingest(case: Case) -> Iterator[Step]:
    """Write the finest scale from the stack, by a process a core."""
    _open(case, _info(case)).commit_info()
    starts = range(0, case.shape[0], chunk_shape(case.documents[0])[0])

    def run() -> None:
        with ProcessPoolExecutor(THREADS, multiprocessing.get_context("fork")) as pool:
            list(pool.map(partial(write_slab, case), starts))

    yield Step("ingest", case.megabytes, run)


def write_slab(case: Case, start: int) -> None:
    """Write a layer of chunks."""
    stop = min(start + chunk_shape(case.documents[0])[0], case.shape[0])
    _open(case)[:, :, start:stop] = read_slab(case, start, stop).T


def _open(case: Case, info: Any = None) -> Any:
    layer = f"file://{case.output}/layer"
    return cloudvolume.CloudVolume(layer, info=info, compress="zstd", progress=False)


def _info(case: Case) -> Any:
    return cloudvolume.CloudVolume.create_new_info(
        num_channels=1,
        layer_type="image",
        data_type="uint8",
        encoding="raw",
        resolution=(10, 10, 10),
        voxel_offset=(0, 0, 0),
        chunk_size=chunk_shape(case.documents[0])[::-1],
        volume_size=case.shape[::-1],
    )
