"""ome-zarr-py: ``write_image`` of a Dask array of the slices."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import dask.array as da
from ome_zarr.scale import Methods
from ome_zarr.writer import write_image
from zarr.codecs import ZstdCodec

from benchmarks.candidates.dask_array import lazy_stack, rechunked
from benchmarks.candidates.ngff_zarr import total_factors
from benchmarks.case import Case, Step, chunk_shape, shard_shape

if TYPE_CHECKING:
    from collections.abc import Iterator


def ingest(case: Case) -> Iterator[Step]:
    """Write level 0 from the stack."""
    voxels = lazy_stack(case)

    def run() -> None:
        write(case, rechunked(voxels, case.documents[0]), [])

    yield Step("ingest", case.megabytes, run)


def pyramid(case: Case) -> Iterator[Step]:
    """Write all levels, the finest again: it cannot leave that out."""
    finest = da.from_zarr(str(case.stored / "0"))  # type: ignore[no-untyped-call]

    def run() -> None:
        write(case, finest, total_factors(case))

    yield Step("pyramid", case.megabytes, run)


def write(case: Case, voxels: da.Array, scales: list[dict[str, int]]) -> None:
    """Write an image with our chunks, shards and codec, as levels ``0``, ``1``, ..."""
    group = case.output / "em.ome.zarr"
    write_image(
        voxels,
        str(group),
        scale_factors=scales,
        method=Methods.LOCAL_MEAN,
        axes=["z", "y", "x"],
        storage_options=[_options(document) for document in case.documents[: len(scales) + 1]],
    )
    for level in group.glob("[0-9s]*"):
        shutil.move(level, case.output / level.name.removeprefix("s"))


def _options(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "chunks": chunk_shape(document),
        "shards": shard_shape(document),
        "compressors": ZstdCodec(level=1, checksum=True),
    }
