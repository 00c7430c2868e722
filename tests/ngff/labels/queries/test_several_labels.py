"""Several labels taken as one, as the supervoxels of a body are, and labels at points."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.queries.samples import as_runs, brute_runs, decode_blocks
from tests.ngff.labels.queries.test_in_box import boxes, index_all
from tests.ngff.labels.samples import CHUNK, SHAPE, SHARD, bodies, filled, new_volume

from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.mapping import (
    Mapping,
    all_supervoxels_of,
    check_body,
    supervoxels_of,
)
from voxlake.ngff.labels.mapping.table import pairs_of
from voxlake.ngff.labels.queries import extent
from voxlake.ngff.labels.queries import voxels as parts
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.platform.errors import InvalidInputError, NotFoundError, OutOfBoundsError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.view import View
    from voxlake.ngff.volume import Volume

VOXELS = bodies(61)
LABELS = [int(label) for label in np.unique(VOXELS) if label]
SEVERAL = st.lists(st.sampled_from([*LABELS, 424242]), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Volume, StoreURL]:
    url = StoreURL.parse(str(tmp_path_factory.mktemp("indexed")))
    volume = filled(url / "labels", VOXELS)
    index_all(volume, url / "index")
    compact(Labels(volume, url / "index"))
    return volume, url / "index"


@pytest.fixture(params=[64, 0], ids=["few-shards", "by-label"])
def few_shards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FEW_SHARDS", request.param)


def as_one(indexed: tuple[Volume, StoreURL], labels: list[int]) -> View:
    """Return a view by which some labels are the body 99."""
    mapping = Mapping(1, pairs_of(sorted(set(labels)), [99] * len(set(labels))))
    return Labels(*indexed, mapping).view()


@pytest.mark.usefixtures("few_shards")
@settings(max_examples=8)
@given(box=boxes(), labels=SEVERAL)
def test_runs_of_several_are_those_of_one(
    indexed: tuple[Volume, StoreURL], box: Box, labels: list[int]
) -> None:
    one = np.isin(VOXELS, np.array(labels, np.uint64)).astype(np.uint64)
    found = as_runs(as_one(indexed, labels).sparse_volume(99, box))
    assert found == brute_runs(one, 1, box)


@settings(max_examples=8)
@given(labels=SEVERAL)
def test_extent_and_chunks_of_several(indexed: tuple[Volume, StoreURL], labels: list[int]) -> None:
    where = np.argwhere(np.isin(VOXELS, np.array(labels, np.uint64)))
    cells = np.unique(where // CHUNK, axis=0)
    view = as_one(indexed, labels)
    if not len(where):
        for ask in (view.extent, view.chunks, view.coarse_volume, view.point):
            with pytest.raises(NotFoundError):
                ask(99)
        assert len(view.find([99])) == 0
        return
    assert view.chunks(99).tolist() == cells.tolist()
    extent = view.extent(99)
    assert (extent.label, extent.voxels, extent.chunks) == (99, len(where), len(cells))
    assert extent.shards == len(np.unique(where // SHARD, axis=0))
    assert extent.box.start == tuple(where.min(axis=0).tolist())
    assert extent.box.stop == tuple((where.max(axis=0) + 1).tolist())
    quick = view.find([99, *labels]).extent(0)
    assert (quick.label, quick.voxels, quick.box) == (99, extent.voxels, extent.box)
    assert view.coarse_volume(99).voxels == len(cells)
    points = view.points(99, 20)
    assert np.isin(VOXELS[tuple(points.T)], np.array(labels, np.uint64)).all()
    assert VOXELS[view.point(99)] in labels


def test_a_body_of_one_supervoxel_is_found_in_one_box(
    indexed: tuple[Volume, StoreURL], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Labels(*indexed).view().extent(LABELS[0])
    mapping = Mapping(1, pairs_of([LABELS[0], 99], [99, 0]))
    monkeypatch.setattr(extent, "find_rows_in_force", None)
    assert Labels(*indexed, mapping).view().extent(99) == replace(plain, label=99)


def test_blocks_of_several_bear_the_name_of_the_body(lake: StoreURL) -> None:
    voxels = np.random.default_rng(5).integers(0, 4, (16, 16, 24), np.uint64)
    volume = new_volume(lake / "labels", voxels.shape, (8, 8, 8), (16, 16, 16))
    volume.write(volume.box, voxels).result()
    index_all(volume, lake / "index")
    for name in (2, 99):
        mapping = Mapping(1, pairs_of([2, 3], [name, name]))
        body = b"".join(Labels(volume, lake / "index", mapping).view().blocks(name))
        label, mask = decode_blocks(body, voxels.shape)
        assert label == name
        assert np.array_equal(mask[:16, :16, :24], np.isin(voxels, [2, 3]))


@settings(max_examples=15)
@given(
    points=st.lists(st.tuples(*(st.integers(0, extent - 1) for extent in SHAPE)), max_size=60),
)
def test_labels_at_points(
    indexed: tuple[Volume, StoreURL], points: list[tuple[int, int, int]]
) -> None:
    found = Labels(*indexed).at(points)
    assert found.dtype == np.uint64
    assert found.tolist() == [int(VOXELS[point]) for point in points]


def test_points_that_are_none(indexed: tuple[Volume, StoreURL]) -> None:
    labels = Labels(*indexed)
    for points in ([[1, 2]], [1, 2, 3], [[0.5, 1.0, 2.0]]):
        with pytest.raises(InvalidInputError, match="integers z, y, x"):
            labels.at(points)
    for point in ((-1, 0, 0), (0, 0, SHAPE[2])):
        with pytest.raises(OutOfBoundsError, match="not inside"):
            labels.at([(0, 0, 0), point])


@settings(max_examples=25)
@given(
    box=boxes(),
    owners=st.lists(st.sampled_from([0, *LABELS, 77]), min_size=len(LABELS), max_size=len(LABELS)),
)
def test_bodies_of_a_box(indexed: tuple[Volume, StoreURL], box: Box, owners: list[int]) -> None:
    mapping = Mapping(1, pairs_of(LABELS, owners))
    table = dict(zip(LABELS, owners, strict=True)) | {0: 0}
    voxels = np.vectorize(table.__getitem__, otypes=[np.uint64])(VOXELS[box.slices])
    ids, counts = np.unique(voxels[voxels != 0], return_counts=True)
    found = Labels(*indexed, mapping).in_box(box, counts=True)
    assert found.voxels is not None
    assert (found.labels.tolist(), found.voxels.tolist()) == (ids.tolist(), counts.tolist())
    plain = Labels(*indexed, mapping).in_box(box)
    assert (plain.labels.tolist(), plain.voxels) == (ids.tolist(), None)


@given(
    owners=st.lists(st.integers(0, 9), min_size=8, max_size=8),
    asked=st.lists(st.integers(1, 12), unique=True),
)
def test_supervoxels_of_many_bodies_are_those_of_each(owners: list[int], asked: list[int]) -> None:
    mapping = Mapping(1, pairs_of(list(range(1, 9)), owners))
    each = [supervoxels_of(mapping, body) for body in asked]
    found = all_supervoxels_of(mapping, np.array(asked, np.uint64))
    assert found.tolist() == sorted(int(label) for part in each for label in part)
    for body, members in zip(asked, each, strict=True):
        if len(members):
            assert check_body(mapping, body).tolist() == members.tolist()
        else:
            with pytest.raises(NotFoundError, match=f"{body} is no body"):
                check_body(mapping, body)
