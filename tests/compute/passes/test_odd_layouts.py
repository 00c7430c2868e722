"""Whatever the order of the axes, an input is read in a few large pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.passes.cut import PIECE_BYTES, pieces_of
from voxlake.compute.sources import open_source
from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

CZYX = np.random.default_rng(8).integers(1, 256, (3, 6, 70, 90), np.uint8)
ZYX = CZYX[0]
CHANNELS_LAST = np.ascontiguousarray(np.moveaxis(CZYX, 0, -1))


def raw(voxels: np.ndarray, options: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.ascontiguousarray(voxels).tofile(folder / "em.raw")
        return f"{folder / 'em.raw'}?dtype=uint8&shape={','.join(map(str, voxels.shape))}{options}"

    return write


def rgb_stack(**options: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        for number, pixels in enumerate(CHANNELS_LAST):
            tifffile.imwrite(folder / f"s{number}.tif", pixels, photometric="rgb", **options)
        return str(folder)

    return write


def npy(folder: Path) -> str:
    np.save(folder / "em.npy", np.asfortranarray(ZYX))
    return str(folder / "em.npy")


LAYOUTS = {
    "raw, channels last": (raw(CHANNELS_LAST, "&axes=zyxc"), CZYX),
    "raw, z fastest": (raw(ZYX.T, "&axes=xyz"), ZYX),
    "RGB stack": (rgb_stack(), CZYX),
    "RGB stack, strips": (rgb_stack(rowsperstrip=7), CZYX),
    "RGB stack, tiles": (rgb_stack(tile=(16, 16)), CZYX),
    "npy, Fortran": (npy, ZYX),
}


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_odd_layout_is_read_in_few_pieces(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    write, voxels = LAYOUTS[layout]
    reads: list[Box] = []
    read_into = ArrangedSource.read_into

    def counted(self: ArrangedSource, box: Box, out: np.ndarray) -> None:
        reads.append(box)
        read_into(self, box, out)

    monkeypatch.setattr(ArrangedSource, "read_into", counted)
    place = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
    request = IngestRequest(write(tmp_path), place, VoxelSize(10, 10, 10))
    run_job(workspace, start_ingest(workspace, request))
    level = workspace.dataset(place).level(0)
    np.testing.assert_array_equal(level.read(level.box).result(), voxels)
    # A slice, with all of its channels, in two at most.
    assert len(reads) <= 2 * voxels.shape[-3]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_block_is_what_is_read_at_once(tmp_path: Path, layout: str) -> None:
    write, _ = LAYOUTS[layout]
    blocks = {
        "raw, channels last": (3, 1, 1, 1),
        "raw, z fastest": (6, 1, 1),
        "RGB stack": (3, 1, 70, 90),
        "RGB stack, strips": (3, 1, 7, 90),
        "RGB stack, tiles": (3, 1, 16, 16),
        "npy, Fortran": (6, 1, 1),
    }
    assert open_source(write(tmp_path)).block == blocks[layout]


EXTENTS = st.tuples(*[st.integers(1, 40)] * 3)


@given(EXTENTS, st.tuples(*[st.integers(1, 3000)] * 3), st.sampled_from([1, 2, 8]))
def test_pieces_are_whole_blocks_and_large_enough(
    block: tuple[int, ...], whole: tuple[int, ...], itemsize: int
) -> None:
    piece = pieces_of(block, whole, itemsize)
    assert all(n % step == 0 for n, step in zip(piece, block, strict=True))
    taken = Box.of_shape(tuple(map(min, piece, whole)))
    size = taken.size * itemsize
    assert 2 * size >= PIECE_BYTES or taken.shape == whole
    assert size < 2 * PIECE_BYTES or piece == block
