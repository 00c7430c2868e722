"""Which shards are there, against the objects of the store and brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, new_dataset

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Layout
from voxlake.ngff.making.create import create_dataset
from voxlake.ngff.shards.whole import write_shard
from voxlake.ngff.storage.coverage import Coverage, list_coverage, projection
from voxlake.platform import store
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    type Array = npt.NDArray[np.bool_]


@st.composite
def coverages(draw: st.DrawFn) -> tuple[Coverage, Array]:
    """Draw a grid of shards, of which any may be there."""
    grid = tuple(draw(st.lists(st.integers(1, 6), min_size=3, max_size=5)))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(grid)
    there = noise < draw(st.sampled_from([0.0, 0.3, 1.0]))
    return Coverage(grid, np.argwhere(there), whole=True), there


@given(coverages(), st.integers(0, 2), st.integers(1, 7))
def test_a_projection_is_the_mean_of_what_lies_behind(
    drawn: tuple[Coverage, Array], across: int, most: int
) -> None:
    coverage, there = drawn
    seen = there.reshape(-1, *there.shape[-3:]).mean(0).mean(across)
    shares = projection(coverage, across, most)
    assert shares.shape == tuple(min(n, most) for n in seen.shape)
    bins = [np.arange(n) * min(n, most) // n for n in seen.shape]
    for row, column in np.ndindex(shares.shape):
        expected = seen[np.ix_(bins[0] == row, bins[1] == column)].mean()
        np.testing.assert_allclose(shares[row, column], expected)


def test_it_is_listed_up_to_a_limit(tmp_path: Path) -> None:
    lake, new = StoreURL.parse(str(tmp_path)), new_dataset(Sample(shape=(67, 71, 131)))
    finest = replace(new.levels[0], layout=Layout((16, 16, 16), (32, 32, 64), 1))
    volume = open_dataset(create_dataset(lake, replace(new, levels=(finest,)))).level(0)
    empty = list_coverage(volume)
    assert (empty.stored, empty.whole) == (0, True)
    for cell in volume.box.cells(volume.shard):
        box = volume.shard_box(cell)
        write_shard(volume, cell, np.ones(box.shape, volume.dtype))
    cells = {tuple(cell) for cell in list_coverage(volume).cells.tolist()}
    assert cells == set(volume.box.cells(volume.shard))
    store.delete(volume.shard_url((0, 1, 0)))
    assert list_coverage(volume).stored == volume.box.count_cells(volume.shard) - 1
    cut = list_coverage(volume, 2)
    assert cut.stored <= 2
    assert not cut.whole
