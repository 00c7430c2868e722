"""Which candidates take part in which benchmark; the first is what the others are held to."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.measure import Candidate

_HERE, _WRITTEN = "benchmarks.candidates", "benchmarks.written"
_BATCHED, _FUSED, _ZARRS = {"pipeline": "Batched"}, {"pipeline": "Fused"}, {"pipeline": "zarrs"}
_NO_FSYNC = "does not sync files to disk"
_ROUNDS = "rounds another way, by at most 1 a level"
_CACHE = 256 << 20

_INGEST = Candidate(
    "voxlake", f"{_HERE}.voxlake:ingest", {"workers": 0}, written=f"{_WRITTEN}:ingested"
)
_ACQUIRE = Candidate(
    "acquire-zarr",
    f"{_HERE}.acquire_zarr:ingest",
    {},
    "codec blosc-zstd 1 without shuffle and checksum: it has no other; index at the end",
    needs="acquire_zarr",
)
_TENSORSTORE = Candidate("TensorStore", f"{_HERE}.tensorstore:ingest")

_PYRAMID = Candidate(
    "voxlake", f"{_HERE}.voxlake:pyramid", {"workers": 0}, written=f"{_WRITTEN}:rebuilt"
)

CANDIDATES: dict[str, tuple[Candidate, ...]] = {
    "ingest": (
        _INGEST,
        replace(_INGEST, name="voxlake, 2 processes", options={"workers": 2}),
        _ACQUIRE,
        _TENSORSTORE,
        Candidate("zarrs", f"{_HERE}.zarr_python:ingest", _ZARRS, _NO_FSYNC, needs="zarrs"),
        Candidate("zarr-python", f"{_HERE}.zarr_python:ingest", _BATCHED, _NO_FSYNC),
        Candidate("zarr-python, fused", f"{_HERE}.zarr_python:ingest", _FUSED, _NO_FSYNC),
        Candidate("dask + TensorStore", f"{_HERE}.dask_array:ingest", {"writer": "TensorStore"}),
        Candidate(
            "dask + zarrs",
            f"{_HERE}.dask_array:ingest",
            {"writer": "zarrs"},
            _NO_FSYNC,
            needs="zarrs",
        ),
        Candidate(
            "dask + zarr-python", f"{_HERE}.dask_array:ingest", {"writer": "Batched"}, _NO_FSYNC
        ),
        Candidate(
            "ngff-zarr",
            f"{_HERE}.ngff_zarr:ingest",
            {},
            f"{_NO_FSYNC}; index at the end",
            written=f"{_WRITTEN}:ngff_ingested",
        ),
        Candidate(
            "ome-zarr-py", f"{_HERE}.ome_zarr_py:ingest", {}, f"{_NO_FSYNC}; index at the end"
        ),
        Candidate(
            "CloudVolume",
            f"{_HERE}.cloud_volume:ingest",
            {},
            f"{_NO_FSYNC}; unsharded precomputed, zstd at its default level",
            needs="cloudvolume",
            written=f"{_WRITTEN}:precomputed",
        ),
        Candidate(
            "stack-to-chunk",
            f"{_HERE}.stack_to_chunk:ingest",
            {},
            "shards of its own shape; index at the end",
            needs="stack_to_chunk",
            written=f"{_WRITTEN}:stack_to_chunk_ingested",
        ),
    ),
    "fused": (
        replace(_INGEST, name="voxlake, level 0", options={"workers": 0, "levels": 1}),
        replace(_INGEST, name="voxlake, all levels", options={"workers": 0, "levels": None}),
        replace(_ACQUIRE, name="acquire-zarr, level 0", options={"levels": 1}),
        replace(
            _ACQUIRE,
            name="acquire-zarr, all levels",
            options={"levels": None},
            note=f"{_ACQUIRE.note}; {_ROUNDS}; halves z no further once it fits a chunk",
            tolerance=1,
            at_least_levels=2,
        ),
    ),
    "pyramid": (
        _PYRAMID,
        replace(_PYRAMID, name="voxlake, 2 processes", options={"workers": 2}),
        Candidate("TensorStore", f"{_HERE}.tensorstore:pyramid"),
        Candidate("TensorStore, downsample driver", f"{_HERE}.tensorstore:downsample_driver"),
        Candidate(
            "tinybrain, as igneous",
            f"{_HERE}.tinybrain:pyramid",
            {},
            _ROUNDS,
            tolerance=1,
            needs="tinybrain",
        ),
        Candidate("zarr-python", f"{_HERE}.zarr_python:pyramid", _BATCHED, _NO_FSYNC),
        Candidate("zarr-python, fused", f"{_HERE}.zarr_python:pyramid", _FUSED, _NO_FSYNC),
        Candidate(
            "dask + zarrs",
            f"{_HERE}.dask_array:pyramid",
            {"writer": "zarrs"},
            _NO_FSYNC,
            needs="zarrs",
        ),
        Candidate(
            "dask + zarr-python", f"{_HERE}.dask_array:pyramid", {"writer": "Batched"}, _NO_FSYNC
        ),
        Candidate(
            "ngff-zarr",
            f"{_HERE}.ngff_zarr:pyramid",
            {},
            f"{_NO_FSYNC}; {_ROUNDS}",
            tolerance=1,
            written=f"{_WRITTEN}:ngff_rebuilt",
            prepare=f"{_HERE}.ngff_zarr:prepare_level_0",
        ),
        Candidate(
            "ome-zarr-py",
            f"{_HERE}.ome_zarr_py:pyramid",
            {},
            f"{_NO_FSYNC}; writes level 0 again; {_ROUNDS}",
            tolerance=1,
        ),
        Candidate(
            "stack-to-chunk",
            f"{_HERE}.stack_to_chunk:pyramid",
            {},
            f"shards of its own shape; {_ROUNDS}",
            tolerance=1,
            needs="stack_to_chunk",
            written=f"{_WRITTEN}:stack_to_chunk_rebuilt",
            prepare=f"{_HERE}.stack_to_chunk:prepare_level_0",
        ),
    ),
    "dask-overhead": (
        Candidate("process pool", f"{_HERE}.tasks:in_process_pool", written=f"{_WRITTEN}:ingested"),
        Candidate("Dask", f"{_HERE}.tasks:on_dask", written=f"{_WRITTEN}:ingested"),
    ),
    "cutout": (
        Candidate("voxlake", f"{_HERE}.voxlake:cutout", {"cache_bytes": 0}, "keeps no chunks"),
        Candidate("voxlake, cache", f"{_HERE}.voxlake:cutout", {"cache_bytes": _CACHE}),
        Candidate("TensorStore, cache", f"{_HERE}.tensorstore:cutout", {"cache_bytes": _CACHE}),
        Candidate(
            "TensorStore", f"{_HERE}.tensorstore:cutout", {"cache_bytes": 0}, "keeps no chunks"
        ),
        Candidate("zarrista", f"{_HERE}.zarrista:cutout", {}, "keeps no chunks", needs="zarrista"),
        Candidate("zarrs", f"{_HERE}.zarr_python:cutout", _ZARRS, "keeps no chunks", needs="zarrs"),
        Candidate("zarr-python", f"{_HERE}.zarr_python:cutout", _BATCHED, "keeps no chunks"),
        Candidate("zarr-python, fused", f"{_HERE}.zarr_python:cutout", _FUSED, "keeps no chunks"),
        Candidate("ngff-zarr", f"{_HERE}.ngff_zarr:cutout", {}, "keeps no chunks"),
    ),
}

OF_PNG = ("voxlake", "voxlake, 2 processes", "acquire-zarr", "TensorStore")
"""Candidates of an ingest of PNG slices: the decoder bounds all, so the best peers will do."""
