"""Which candidates take part in which benchmark; the first is what the others are held to."""

from __future__ import annotations

from benchmarks.measure import Candidate

_HERE = "benchmarks.candidates"
_BATCHED, _FUSED = {"pipeline": "Batched"}, {"pipeline": "Fused"}
_NO_FSYNC = "does not sync files to disk"
_CACHE = 256 << 20

CANDIDATES: dict[str, tuple[Candidate, ...]] = {
    "ingest": (
        Candidate("voxlake", f"{_HERE}.voxlake:ingest", {"workers": 0}),
        Candidate("voxlake, 2 processes", f"{_HERE}.voxlake:ingest", {"workers": 2}),
        Candidate("TensorStore", f"{_HERE}.tensorstore:ingest"),
        Candidate("zarr-python", f"{_HERE}.zarr_python:ingest", _BATCHED, _NO_FSYNC),
        Candidate("zarr-python, fused", f"{_HERE}.zarr_python:ingest", _FUSED, _NO_FSYNC),
        Candidate("ngff-zarr", f"{_HERE}.ngff_zarr:ingest", {}, _NO_FSYNC),
    ),
    "pyramid": (
        Candidate("voxlake", f"{_HERE}.voxlake:pyramid", {"workers": 0}),
        Candidate("voxlake, 2 processes", f"{_HERE}.voxlake:pyramid", {"workers": 2}),
        Candidate("TensorStore", f"{_HERE}.tensorstore:pyramid"),
        Candidate("zarr-python", f"{_HERE}.zarr_python:pyramid", _BATCHED, _NO_FSYNC),
        Candidate("zarr-python, fused", f"{_HERE}.zarr_python:pyramid", _FUSED, _NO_FSYNC),
        Candidate(
            "ngff-zarr",
            f"{_HERE}.ngff_zarr:pyramid",
            {},
            f"{_NO_FSYNC}; rounds another way, by at most 1 a level",
            tolerance=1,
        ),
    ),
    "cutout": (
        Candidate("voxlake", f"{_HERE}.voxlake:cutout"),
        Candidate("TensorStore, cache", f"{_HERE}.tensorstore:cutout", {"cache_bytes": _CACHE}),
        Candidate(
            "TensorStore", f"{_HERE}.tensorstore:cutout", {"cache_bytes": 0}, "keeps no chunks"
        ),
        Candidate("zarr-python", f"{_HERE}.zarr_python:cutout", _BATCHED, "keeps no chunks"),
        Candidate("zarr-python, fused", f"{_HERE}.zarr_python:cutout", _FUSED, "keeps no chunks"),
        Candidate("ngff-zarr", f"{_HERE}.ngff_zarr:cutout", {}, "keeps no chunks"),
    ),
}
