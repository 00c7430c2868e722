"""stack-to-chunk: a group with the axes y, x, z; its shards are a chunk deep and span the plane."""

from __future__ import annotations

import shutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import dask.array as da

from benchmarks.candidates.dask_array import lazy_stack
from benchmarks.candidates.slabs import THREADS
from benchmarks.case import Case, Step, chunk_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

stack_to_chunk = import_module("stack_to_chunk")
ArraySpec = import_module("pydantic_zarr.v3").ArraySpec

NAME = "stack-to-chunk.zarr"
"""Its own level 0 among the inputs."""


def ingest(case: Case) -> Iterator[Step]:
    """Write level 0 from the stack."""
    group = _create(case, case.output / "em.zarr")
    yield Step("ingest", case.megabytes, lambda: _fill(case, group))


def pyramid(case: Case) -> Iterator[Step]:
    """Write the levels above 0; level 0 is there, made by stack-to-chunk in the preparation."""
    for level in range(1, len(case.documents)):
        shutil.rmtree(case.inputs / NAME / str(level), ignore_errors=True)
    group = stack_to_chunk.open_multiscale_group(case.inputs / NAME)

    def run() -> None:
        for level in range(1, len(case.documents)):
            group.add_downsample_level(level, n_processes=THREADS)

    yield Step("pyramid", case.megabytes, run)


def prepare_level_0(case: Case) -> None:
    """Write level 0 where `pyramid` looks for it."""
    _fill(case, _create(case, case.inputs / NAME))


def _create(case: Case, folder: Path) -> Any:
    depth, height, width = case.shape
    z, y, x = chunk_shape(case.documents[0])
    spec = ArraySpec(
        attributes={},
        shape=(height, width, depth),
        data_type="uint8",
        chunk_grid={"name": "regular", "configuration": {"chunk_shape": (y, x, z)}},
        chunk_key_encoding={"name": "default", "configuration": {"separator": "/"}},
        fill_value=0,
        codecs=(
            {"name": "bytes"},
            {"name": "zstd", "configuration": {"level": 1, "checksum": True}},
        ),
        storage_transformers=(),
        dimension_names=("y", "x", "z"),
    )
    return stack_to_chunk.MultiScaleGroup(
        folder, name="em", voxel_size=(10, 10, 10), spatial_unit="nanometer", array_spec=spec
    )


def _fill(case: Case, group: Any) -> None:
    z_last = da.moveaxis(lazy_stack(case), 0, 2)
    group.add_full_res_data(z_last, n_processes=THREADS)
