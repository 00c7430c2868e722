"""How time and memory grow: ingests of phantoms of 1, 8 and 64 times the voxels."""

from __future__ import annotations

import math
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.case import Case
from benchmarks.measure import Candidate, measure

if TYPE_CHECKING:
    from benchmarks.rounds import Say

TIMES = (1, 2, 4)
"""Edges of the cubes, over that of the smallest."""


@dataclass(frozen=True, slots=True)
class Point:
    """The ingest of one cube with its pyramid: medians."""

    edge: int
    seconds: float
    cpu_seconds: float
    peak_rss_mib: float

    @property
    def gigavoxels(self) -> float:
        """10^9 voxels of level 0."""
        return self.edge**3 / 1e9


@dataclass(frozen=True, slots=True)
class Growth:
    """Ingests of growing cubes, and a line through them."""

    points: tuple[Point, ...]
    exponent: float
    """Of voxels, in seconds ~ voxels^exponent: 1 is linear."""
    fixed_s: float
    """Seconds of an ingest of nothing."""
    s_per_gigavoxel: float
    """Seconds of each 10^9 voxels more."""


def measure_growth(folder: Path, edge: int, repeats: int, say: Say) -> Growth:
    """Ingest phantoms of `edge`, twice and four times it, in turn, and fit the line."""
    found: dict[int, list[Point]] = {edge * times: [] for times in TIMES}
    for number in range(repeats):
        for one, points in found.items():
            say(f"linear, round {number + 1} of {repeats}: phantom of {one}^3")
            points.append(_ingest(folder, one))
    return fit(tuple(_medians(points) for points in found.values()))


def fit(points: tuple[Point, ...]) -> Growth:
    """Fit seconds = fixed + rate x voxels, and a power; each point weighs by its relative error.

    Examples
    --------
    >>> growth = fit(tuple(Point(n, 2 + 3 * n**3 / 1e9, 0, 0) for n in (500, 1000, 2000)))
    >>> round(growth.fixed_s, 6), round(growth.s_per_gigavoxel, 6)
    (2.0, 3.0)
    """
    voxels = np.array([point.gigavoxels for point in points])
    seconds = np.array([point.seconds for point in points])
    slope, fixed = np.polyfit(voxels, seconds, 1, w=1 / seconds)
    exponent = np.polyfit(np.log(voxels), np.log(seconds), 1)[0]
    return Growth(points, float(exponent), float(fixed), float(slope))


def _ingest(folder: Path, edge: int) -> Point:
    output = Path(tempfile.mkdtemp(dir=folder))
    options = {"source": f"phantom:{edge}", "megabytes": math.prod([edge] * 3) / 1e6, "workers": 0}
    candidate = Candidate("voxlake", "benchmarks.candidates.voxlake:memory", options)
    try:
        measured = measure(candidate, Case(folder, output))
    finally:
        shutil.rmtree(output)
    taken = measured.parts["memory"]
    return Point(edge, sum(taken["seconds"]), taken["cpu_seconds"], measured.peak_rss / 2**20)


def _medians(points: list[Point]) -> Point:
    median = statistics.median
    return Point(
        points[0].edge,
        median(point.seconds for point in points),
        median(point.cpu_seconds for point in points),
        median(point.peak_rss_mib for point in points),
    )
