"""CloudVolume: an unsharded precomputed layer, zstd, a layer of chunks at a time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks.candidates.slabs import THREADS, read_slab
from benchmarks.case import Case, Step, chunk_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

cloudvolume = import_module("cloudvolume")


def ingest(case: Case) -> Iterator[Step]:
    """Write the finest scale from the stack."""
    chunk = chunk_shape(case.documents[0])
    info = cloudvolume.CloudVolume.create_new_info(
        num_channels=1,
        layer_type="image",
        data_type="uint8",
        encoding="raw",
        resolution=(10, 10, 10),
        voxel_offset=(0, 0, 0),
        chunk_size=chunk[::-1],
        volume_size=case.shape[::-1],
    )
    layer = cloudvolume.CloudVolume(
        f"file://{case.output}/layer",
        info=info,
        compress="zstd",
        parallel=THREADS,
        progress=False,
    )
    layer.commit_info()

    def run() -> None:
        for start in range(0, case.shape[0], chunk[0]):
            stop = min(start + chunk[0], case.shape[0])
            layer[:, :, start:stop] = read_slab(case, start, stop).T

    yield Step("ingest", case.megabytes, run)
