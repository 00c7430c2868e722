"""Every query, held against NumPy brute force over the voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.view import View
from voxlake.platform.errors import NotFoundError

if TYPE_CHECKING:
    import numpy.typing as npt
    from tests.ngff.labels.scenes import Scene

    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.ngff.volume import Volume

    type Voxels = npt.NDArray[Any]

type ShardRow = tuple[int, int, tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def check_rows(volume: Volume, rows: SegmentRows, states: list[Voxels]) -> None:
    """Demand of each shard that its rows are those of one of `states` of the whole volume."""
    found = _by_shard(rows)
    for cell in volume.box.cells(volume.shard):
        number = volume.shard_number(cell)
        allowed = [_brute(volume, cell, voxels) for voxels in states]
        assert found.get(number, []) in allowed, f"shard {cell}"


def check_tables(scene: Scene, voxels: Voxels) -> None:
    """Check all labels, and those that are asked for by name: counts, boxes, chunks, shards."""
    volume = scene.volume
    present = np.unique(voxels[voxels != 0]).astype(np.uint64)
    expected = []
    for label in present:
        where = _where(voxels, int(label))
        box = [*where.min(axis=0), *where.max(axis=0) + 1]
        cells = [len(_cells(where, grid)) for grid in (volume.chunk, volume.shard)]
        expected.append([len(where), *box, *cells])
    for table in (
        scene.opened.ask(lambda view: view.find(scene.labels)),
        scene.opened.ask(View.all),
    ):
        counts = np.column_stack((table.start, table.stop, table.chunks, table.shards))
        assert table.labels.tolist() == present.tolist()
        assert np.column_stack((table.voxels, counts)).tolist() == expected
    view, after = scene.opened.view(), 0
    pages = list[list[int]]()
    while len(page := view.page(after, 2)):
        assert len(page) == 2 or after == 0 or len(present) % 2
        counts = np.column_stack((page.start, page.stop, page.chunks, page.shards))
        pages += np.column_stack((page.voxels, counts)).tolist()
        after = int(page.labels[-1])
    assert pages == expected


def check_label(scene: Scene, voxels: Voxels, turn: int) -> None:
    """Check what the index alone says of one label, which may be one that no voxel has."""
    volume, label = scene.volume, _asked(scene, turn)
    where, view = _where(voxels, label), scene.opened.view()
    if not len(where):
        for ask in (view.extent, view.chunks, view.point, view.coarse_volume):
            with pytest.raises(NotFoundError):
                ask(label)
        return
    extent, cells = view.extent(label), _cells(where, volume.chunk)
    box = Box(tuple(where.min(axis=0).tolist()), tuple((where.max(axis=0) + 1).tolist()))
    assert (extent.voxels, extent.box, extent.chunks) == (len(where), box, len(cells))
    assert np.array_equal(view.chunks(label), cells)
    assert view.coarse_volume(label).voxels == len(cells)


def check_voxels(scene: Scene, voxels: Voxels, turn: int) -> None:
    """Check the voxels of one label: all of them as runs, and some as points."""
    label, view = _asked(scene, turn), scene.opened.view()
    where = _where(voxels, label)
    runs = [
        (z, y, x + step)
        for part in view.sparse_volume(label)
        for (z, y, x), length in zip(part.start.tolist(), part.length.tolist(), strict=True)
        for step in range(length)
    ]
    assert sorted(runs) == [*map(tuple, where.tolist())]
    if len(where):
        check_point(where, scene.volume.chunk, view.point(label))
        points = view.points(label, 3, seed=turn)
        assert points.shape == (3, 3)
        assert (voxels[tuple(points.T)] == label).all()


def check_point(
    where: npt.NDArray[np.intp], chunk: tuple[int, ...], point: tuple[int, ...]
) -> None:
    """Check that it is the voxel nearest to the mean of those of the middle chunk, in C order."""
    cells = _cells(where, chunk)
    inside = where[(where // chunk == cells[len(cells) // 2]).all(axis=1)]
    distance = ((inside - inside.mean(axis=0)) ** 2).sum(axis=1)
    found = distance[(inside == point).all(axis=1)]
    # Of equals the first is taken; what is equal depends on how means are rounded.
    assert found.tolist() == pytest.approx([distance.min()])


def check_box(scene: Scene, voxels: Voxels, turn: int) -> None:
    """Check which labels are in a box, how often, and where one of them is."""
    rng = np.random.default_rng(turn)
    ends = np.sort(rng.integers(0, np.array(voxels.shape) + 1, (2, 3)), axis=0)
    box = Box(tuple(ends[0].tolist()), tuple(ends[1].tolist()))
    inside = voxels[box.slices]
    labels, counts = np.unique(inside[inside != 0], return_counts=True)
    found = scene.opened.in_box(box, counts=True)
    assert found.voxels is not None
    assert (found.labels.tolist(), found.voxels.tolist()) == (labels.tolist(), counts.tolist())
    assert scene.opened.in_box(box).labels.tolist() == labels.tolist()
    label = _asked(scene, turn)
    assert np.array_equal(scene.opened.view().mask(label, box), inside == label)


def _asked(scene: Scene, turn: int) -> int:
    return scene.labels[turn // 3 % len(scene.labels)]


def _where(voxels: Voxels, label: int) -> npt.NDArray[np.intp]:
    return np.argwhere(voxels == label)


def _cells(where: npt.NDArray[np.intp], grid: tuple[int, ...]) -> npt.NDArray[np.intp]:
    return np.unique(where // grid, axis=0)


def _by_shard(rows: SegmentRows) -> dict[int, list[ShardRow]]:
    found: dict[int, list[ShardRow]] = {}
    ends = np.cumsum(rows.chunk_counts)
    for line in range(len(rows)):
        chunks = rows.chunks[ends[line] - rows.chunk_counts[line] : ends[line]]
        found.setdefault(int(rows.shards[line]), []).append(
            (
                int(rows.labels[line]),
                int(rows.voxels[line]),
                tuple(rows.start[line].tolist()),
                tuple(rows.stop[line].tolist()),
                tuple(chunks.tolist()),
            )
        )
    return found


def _brute(volume: Volume, cell: tuple[int, ...], voxels: Voxels) -> list[ShardRow]:
    shard = volume.shard_box(cell)
    block = voxels[shard.slices]
    grid = tuple(outer // inner for outer, inner in zip(volume.shard, volume.chunk, strict=True))
    rows: list[ShardRow] = []
    for label in np.unique(block[block != 0]):
        where = _where(block, label)
        chunks = np.unique(np.ravel_multi_index(tuple((where // volume.chunk).T), grid))
        start, stop = where.min(axis=0) + shard.start, where.max(axis=0) + 1 + shard.start
        rows.append(
            (
                int(label),
                len(where),
                tuple(start.tolist()),
                tuple(stop.tolist()),
                tuple(chunks.tolist()),
            )
        )
    return rows
