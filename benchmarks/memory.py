"""Peak memory of an ingest, at two sizes 8 times apart, on shards of the same size."""

from __future__ import annotations

import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.case import Case
from benchmarks.measure import Candidate, measure

if TYPE_CHECKING:
    from benchmarks.rounds import Say


@dataclass(frozen=True, slots=True)
class Peak:
    """The memory of one ingest."""

    shape: tuple[int, int, int]
    workers: int
    seconds: float
    peak_rss_mib: float


def sizes(shape: tuple[int, int, int]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return `shape` and one of 8 times its voxels, as deep, so that its shards are the same.

    Examples
    --------
    >>> sizes((64, 1024, 1024))
    ((64, 1024, 1024), (64, 2048, 4096))
    """
    return shape, (shape[0], shape[1] * 2, shape[2] * 4)


def measure_memory(folder: Path, shape: tuple[int, int, int], workers: int, say: Say) -> list[Peak]:
    """Ingest a phantom of `shape` and one of 8 times its voxels, each in a process of its own."""
    return [ingest_peak(folder, one, workers, say) for one in sizes(shape)]


def ingest_peak(folder: Path, shape: tuple[int, int, int], workers: int, say: Say) -> Peak:
    """Ingest a phantom with its pyramid and return the peak memory of all processes."""
    output = Path(tempfile.mkdtemp(dir=folder))
    say(f"memory: phantom of {shape}, {workers or 'no'} worker processes")
    options = {
        "source": f"phantom:{','.join(map(str, shape))}",
        "megabytes": math.prod(shape) / 1e6,
        "workers": workers,
    }
    try:
        candidate = Candidate("voxlake", "benchmarks.candidates.voxlake:memory", options)
        measured = measure(candidate, Case(folder, output))
    finally:
        shutil.rmtree(output)
    seconds = sum(measured.parts["memory"]["seconds"])
    return Peak(shape, workers, seconds, measured.peak_rss / 2**20)
