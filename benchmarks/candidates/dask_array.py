"""dask.array: slices stacked, cut into shards, stored by zarr-python or TensorStore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import dask.array as da
import numpy as np
from dask.delayed import delayed

from benchmarks.candidates import tensorstore, zarr_python
from benchmarks.candidates.slabs import read_slice
from benchmarks.candidates.tensorstore import factors
from benchmarks.case import Case, Step, create_array, shard_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def ingest(case: Case, writer: str) -> Iterator[Step]:
    """Write level 0 from the stack; `writer` is ``TensorStore`` or a pipeline of zarr-python."""
    target = _open(create_array(case, 0), writer)
    voxels = lazy_stack(case)

    def run() -> None:
        store(rechunked(voxels, case.documents[0]), target)

    yield Step("ingest", case.megabytes, run)


def pyramid(case: Case, writer: str) -> Iterator[Step]:
    """Write each level from the one below it."""
    arrays = [_open(case.stored / "0", writer)]
    arrays += [_open(create_array(case, level), writer) for level in range(1, len(case.documents))]

    def run() -> None:
        for level in range(1, len(arrays)):
            shard = shard_shape(case.documents[level - 1])
            fine = da.from_array(arrays[level - 1], shard)  # type: ignore[no-untyped-call]
            coarse = coarsen(fine, factors(case, level))
            store(rechunked(coarse, case.documents[level]), arrays[level])

    yield Step("pyramid", case.megabytes, run)


def coarsen(fine: da.Array, steps: list[int]) -> da.Array:
    """Return the mean of each block, filled up with its own voxels at the far faces."""
    pad = [(0, n % step) for n, step in zip(fine.shape, steps, strict=True)]
    even = da.pad(fine, pad, mode="edge") if np.any(pad) else fine
    # Blocks must not be cut by chunks: the padding has made chunks of a single voxel.
    even = even.rechunk(shard_chunks(fine)) if np.any(pad) else even
    mean = da.coarsen(np.mean, even, dict(enumerate(steps)))
    return cast("da.Array", da.rint(mean).astype(np.uint8))


def shard_chunks(array: da.Array) -> tuple[int, ...]:
    """Return the shape of the first, and so of the largest, chunk."""
    return tuple(extents[0] + extents[0] % 2 for extents in array.chunks)


def lazy_stack(case: Case) -> da.Array:
    """Return the slices as a Dask array, each a chunk."""
    lazy = delayed(read_slice)
    plane = case.shape[1:]
    slices = [
        da.from_delayed(lazy(path), plane, np.uint8)  # type: ignore[no-untyped-call]
        for path in case.slices
    ]
    return cast("da.Array", da.stack(slices))  # type: ignore[no-untyped-call]  # both of Dask


def rechunked(voxels: da.Array, document: dict[str, Any]) -> da.Array:
    """Return the array with the shards of a level as its chunks."""
    shard = shard_shape(document)
    return cast("da.Array", voxels.rechunk(shard))  # type: ignore[no-untyped-call]  # of Dask


def store(voxels: da.Array, target: Any) -> None:
    """Write chunks that are shards: none is written by two tasks, so no lock is needed."""
    da.store(voxels, target, lock=False)


def _open(folder: Path, writer: str) -> Any:
    if writer == "TensorStore":
        return tensorstore.open_array(folder)
    zarr_python.choose(writer)
    return zarr_python.open_array(folder)
