"""Estimates: right on average, and as wide as they are uncertain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.compute.forecast.estimate import SIGMAS, coded_levels, mean_and_error, rates, ratios
from voxlake.compute.forecast.sampling import LevelPiece, Piece, Sample


def _piece(*stored: int, voxels: int = 1000, seconds: float = 1.0) -> Piece:
    levels = tuple(
        LevelPiece(voxels // 8**n, 2, 0 if size else 2, size, 0.5 if n else 0.0, 1.0, 2.0, 3.0)
        for n, size in enumerate(stored)
    )
    return Piece(2000, seconds, seconds, 0.0, levels)


def test_a_whole_sample_is_known_and_not_estimated() -> None:
    sample = Sample((_piece(100), _piece(300)), whole=True, seconds=1)
    (level,) = coded_levels(sample, [2000])
    assert (level.bytes, level.low, level.high, level.empty) == (400, 400, 400, 0)


def test_levels_that_were_not_sampled_are_like_the_one_below() -> None:
    sample = Sample((_piece(100, 20), _piece(100, 20)), whole=False, seconds=1)
    found = coded_levels(sample, [100_000, 12_500, 1600, 200])
    assert [round(level.bytes) for level in found] == [10_000, 2000, 256, 32]


def test_empty_chunks_and_boxes_are_told() -> None:
    sample = Sample((_piece(100), _piece(0), _piece(50)), whole=False, seconds=1)
    assert coded_levels(sample, [1000])[0].empty == pytest.approx(1 / 3)
    assert ratios(sample, 2) == [20, 40, math.inf]


def test_one_box_says_little() -> None:
    sample = Sample((_piece(100),), whole=False, seconds=1)
    (level,) = coded_levels(sample, [10_000])
    assert (level.bytes, level.low) == (1000, 0)
    assert level.high > 2500


def test_the_first_box_is_left_out_of_the_rates() -> None:
    slow, quick = _piece(100, 20, seconds=100), _piece(100, 20, seconds=4)
    found = rates(Sample((slow, quick), whole=False, seconds=1), 2)
    assert found.read == 4 / 2000
    assert found.reduce == 0.5 / 1000
    assert found.encode == 2.0 / (1125 * 2)
    assert found.write == 6.0 / 120
    assert rates(Sample((slow,), whole=False, seconds=1), 2).read == 100 / 2000


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_the_truth_lies_within_the_spread_about_as_often_as_said(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hits, trials = 0, 200
    for _ in range(trials):
        voxels = rng.uniform(500, 1000, 40)
        stored = 0.8 * voxels + rng.normal(0, 50, 40)
        ratio, error = mean_and_error(list(zip(stored, voxels, strict=True)))
        hits += abs(ratio - 0.8) <= SIGMAS * error
    assert 0.85 * trials <= hits
