"""acquire-zarr: slices appended to its stream, in C++ from there on, alone or with its pyramid."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.candidates.slabs import slices_ahead
from benchmarks.case import Case, Step, chunk_shape, shard_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

az = import_module("acquire_zarr")


def ingest(case: Case, levels: int | None = 1) -> Iterator[Step]:
    """Write level 0 from the stack, and if `levels` is None those above it that voxlake has."""
    stream = az.ZarrStream(_settings(case, levels or len(case.documents)))

    def run() -> None:
        for decoded in slices_ahead(case):
            stream.append(decoded)
        stream.close()

    yield Step("ingest", case.megabytes, run)


def _settings(case: Case, levels: int) -> Any:
    """Return settings of the same chunks and shards; of codecs it has blosc only."""
    array = az.ArraySettings(
        output_key="" if levels > 1 else "0",
        dimensions=_dimensions(case),
        data_type=np.dtype(np.uint8),
        compression=az.CompressionSettings(
            compressor=az.Compressor.BLOSC1,
            codec=az.CompressionCodec.BLOSC_ZSTD,
            level=1,
            shuffle=0,
        ),
    )
    if levels > 1:
        array.downsampling_method = az.DownsamplingMethod.MEAN
        array.max_levels = levels - 1
    return az.StreamSettings(store_path=str(case.output), arrays=[array], overwrite=False)


def _dimensions(case: Case) -> list[Any]:
    document = case.documents[0]
    chunk, shard = chunk_shape(document), shard_shape(document)
    return [
        az.Dimension(
            name=name,
            kind=az.DimensionType.SPACE,
            array_size_px=extent,
            chunk_size_px=c,
            shard_size_chunks=s // c,
        )
        for name, extent, c, s in zip("zyx", case.shape, chunk, shard, strict=True)
    ]
