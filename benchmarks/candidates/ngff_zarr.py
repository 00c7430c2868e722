"""ngff-zarr: ``to_multiscales`` and ``to_ome_zarr`` on a Dask array of the slices."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.delayed import delayed
from ngff_zarr import Methods, from_ome_zarr, to_multiscales, to_ngff_image, to_ome_zarr

from benchmarks.boxes import FIRST, box_megabytes, cutout_boxes, first_read
from benchmarks.candidates.slabs import read_slab
from benchmarks.candidates.tensorstore import factors
from benchmarks.case import Case, Step, chunk_shape, shard_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def ingest(case: Case) -> Iterator[Step]:
    """Write level 0 from the stack."""

    def run() -> None:
        write(case, _stack(case), [], case.output / "em.ome.zarr")

    yield Step("ingest", case.megabytes, run)


def pyramid(case: Case) -> Iterator[Step]:
    """Write the levels above 0; level 0 is there, made by ngff-zarr in the preparation."""
    store = case.inputs / "ngff-zarr.ome.zarr"
    for level in range(1, len(case.documents)):
        shutil.rmtree(store / f"scale{level}" / "image" / "c", ignore_errors=True)
    finest = open_finest(store)

    def run() -> None:
        write(case, finest, total_factors(case), store, start_level=1, overwrite=False)

    yield Step("pyramid", case.megabytes, run)


def cutout(case: Case) -> Iterator[Step]:
    """Read boxes of level 0."""
    yield first_read(lambda: read(open_finest(case.stored), FIRST))
    array = open_finest(case.stored)
    for name, box in cutout_boxes(case):
        yield Step(name, box_megabytes(box), partial(read, array, box))


def open_finest(store: Path) -> da.Array:
    """Open level 0."""
    array: da.Array = from_ome_zarr(str(store)).images[0].data
    return array


def read(array: da.Array, box: tuple[slice, ...]) -> npt.NDArray[np.uint8]:
    """Return the voxels of a box."""
    return np.asarray(array[box].compute())


def prepare_level_0(case: Case) -> None:
    """Write level 0 where `pyramid` looks for it."""
    write(case, _stack(case), [], case.inputs / "ngff-zarr.ome.zarr")


def write(case: Case, voxels: da.Array, scales: list[Any], store: Path, **options: Any) -> None:
    """Write an image with our chunks, shards and codec."""
    document = case.documents[0]
    chunk, shard = chunk_shape(document), shard_shape(document)
    image = to_ngff_image(voxels, dims=["z", "y", "x"])
    multiscales = to_multiscales(
        image,
        scales,
        method=Methods.ITKWASM_BIN_SHRINK,
        chunks=dict(zip("zyx", chunk, strict=True)),
    )
    to_ome_zarr(
        str(store),
        multiscales,
        version="0.5",
        chunks_per_shard=tuple(s // c for s, c in zip(shard, chunk, strict=True)),
        compressors=[{"name": "zstd", "configuration": {"level": 1, "checksum": True}}],
        **options,
    )


def total_factors(case: Case) -> list[dict[str, int]]:
    """Return the voxels of level 0 that one of each level above spans, along each axis."""
    totals, total = [], np.ones(3, int)
    for level in range(1, len(case.documents)):
        total *= factors(case, level)
        totals.append({axis: int(factor) for axis, factor in zip("zyx", total, strict=True)})
    return totals


def _stack(case: Case) -> da.Array:
    """Return the slices as a Dask array, a chunk of them to a block."""
    depth, (height, *plane) = chunk_shape(case.documents[0])[0], case.shape
    slab = delayed(read_slab)
    blocks = []
    for start in range(0, height, depth):
        stop = min(start + depth, height)
        lazy = slab(case, start, stop)
        shape = (stop - start, *plane)
        blocks.append(da.from_delayed(lazy, shape, np.uint8))  # type: ignore[no-untyped-call]
    return cast("da.Array", da.concatenate(blocks))  # type: ignore[no-untyped-call]  # both of Dask
