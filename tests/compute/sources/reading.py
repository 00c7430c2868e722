"""Ways to hold a source to NumPy, for the tests of each reader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import strategies as st

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources import Source


def boxes(shape: tuple[int, ...]) -> st.SearchStrategy[Box]:
    """Boxes inside `shape`, empty ones too."""
    ends = [st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted) for n in shape]
    return st.tuples(*ends).map(
        lambda found: Box(tuple(lo for lo, _ in found), tuple(hi for _, hi in found))
    )


def assert_reads(source: Source, box: Box, voxels: np.ndarray) -> None:
    """Assert that `box` of the source is that of `voxels`, in the form that sources promise."""
    found = source.read(box)
    assert found.flags.c_contiguous
    assert found.dtype == source.dtype
    assert found.shape == box.shape
    np.testing.assert_array_equal(found, voxels[box.slices])


def assert_whole(source: Source, voxels: np.ndarray) -> None:
    """Assert that the source is whole and equals `voxels`, from several threads at once."""
    source.check()
    assert source.shape == voxels.shape
    assert len(source.axes) == voxels.ndim
    assert source.axes[-3:] == ("z", "y", "x")
    assert all(1 <= n <= most for n, most in zip(block(source), source.shape, strict=True))
    whole = Box.of_shape(voxels.shape)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(assert_reads, source, whole, voxels) for _ in range(4)]:
            done.result()


def block(source: Source) -> tuple[int, ...]:
    """Return what the source decodes as a whole."""
    return source.block


def fails(location: object, *words: str) -> None:
    """Assert that opening or checking raises an error that holds all `words`."""
    with pytest.raises((SourceError, UnsupportedError)) as caught:
        open_source(str(location)).check()
    for word in words:
        assert word in str(caught.value)


def cut(path: Path, length: int) -> None:
    """Keep the first `length` bytes of a file; all but the last -`length` if negative."""
    path.write_bytes(path.read_bytes()[:length])
