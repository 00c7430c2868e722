"""Empty datasets: read as zeros and written to at once, made once, and never half for long."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import TimeStep, VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.dtypes import IMAGE_DTYPES, LABEL_DTYPES
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels
from voxlake.ngff.labels.handle import Labels, labels_of
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.lake import place_of
from voxlake.ngff.making import empty
from voxlake.ngff.making.empty import EmptyDataset, make_empty
from voxlake.ngff.making.unfinished import Making, is_whole
from voxlake.ngff.stale import list_marks
from voxlake.ngff.validate import validate_dataset
from voxlake.ngff.writing import write_voxels
from voxlake.platform import store
from voxlake.platform.catalog import Catalog, DatasetState, open_catalog
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
)
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import as_tensorstore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

ZYX = ("z", "y", "x")
SIZE = VoxelSize(40, 10, 10)
EM = DatasetName.parse("lab/brain/em")
CELLS = EM.sibling("cells")


@pytest.fixture
def catalog(lake: StoreURL, any_database: Settings) -> Iterator[Catalog]:
    with open_catalog(lake, any_database) as opened:
        yield opened


def image(shape: tuple[int, ...] = (33, 70, 40), **more: Any) -> EmptyDataset:
    return EmptyDataset(EM, Kind.IMAGE, "uint8", Extent(shape, ZYX, SIZE, (1.0, -2.0, 3.0)), **more)


def test_it_reads_as_zeros_and_takes_writes(lake: StoreURL, catalog: Catalog) -> None:
    record = make_empty(lake, catalog, image(levels=2, description="a brain", public=True))
    assert (record.state, record.public, record.description) == ("ready", True, "a brain")
    assert catalog.get_dataset(EM) == record
    url = lake / record.url
    assert is_whole(url)
    assert not validate_dataset(url)
    dataset = open_dataset(url)
    volume = dataset.level(0)
    assert not volume.read(volume.box).result().any()
    assert dataset.multiscale.translation == (1.0, -2.0, 3.0)
    box = Box((1, 2, 3), (20, 66, 30))
    voxels = np.random.default_rng(1).integers(0, 256, box.shape).astype(np.uint8)
    write_voxels(volume, box, voxels)
    spec = {"driver": "zarr3", "kvstore": as_tensorstore(lake / record.url / "0")}
    whole = ts.open(spec).result().read().result()
    np.testing.assert_array_equal(whole[box.slices], voxels)
    assert list_marks(dataset.level_url(0))


@example_settings(max_examples=15)
@given(
    shape=st.tuples(*[st.integers(1, 10**7)] * 3),
    kind=st.sampled_from(Kind),
    levels=st.none() | st.integers(1, 3),
    data=st.data(),
)
def test_any_shape_has_the_levels_of_an_ingest(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int],
    kind: Kind,
    levels: int | None,
    data: st.DataObject,
) -> None:
    lake = store.StoreURL.parse(str(tmp_path_factory.mktemp("empty") / "lake"))
    dtype = data.draw(st.sampled_from(IMAGE_DTYPES if kind is Kind.IMAGE else LABEL_DTYPES))
    extent = Extent(shape, ZYX, SIZE)
    asked = EmptyDataset(EM, kind, dtype, extent, levels)
    with open_catalog(lake, Settings()) as catalog:
        try:
            planned = plan_levels(kind, extent, levels)
        except InvalidInputError:
            with pytest.raises(InvalidInputError):
                make_empty(lake, catalog, asked)
            return
        dataset = open_dataset(lake / make_empty(lake, catalog, asked).url)
    found = [dataset.level(number) for number in range(dataset.levels)]
    assert [each.shape for each in found] == [each.shape for each in planned]
    assert {each.dtype.name for each in found} == {dtype}
    assert [each.shard for each in found] == [each.layout.shard for each in planned]
    assert [each.scale for each in dataset.multiscale.levels] == [each.scale for each in planned]


def test_time_points_and_factors(lake: StoreURL, catalog: Catalog) -> None:
    extent = Extent((7, 9, 10, 11), ("t", *ZYX), SIZE, time=TimeStep(2.5, "second"))
    new = EmptyDataset(EM, Kind.IMAGE, "uint16", extent, steps=((1, 2, 2), (2, 2, 2)))
    dataset = open_dataset(lake / make_empty(lake, catalog, new).url)
    assert [dataset.level(n).shape for n in range(3)] == [
        (7, 9, 10, 11),
        (7, 9, 5, 6),
        (7, 5, 3, 3),
    ]
    time = dataset.multiscale.axes[0]
    assert (time.unit, dataset.multiscale.levels[2].scale[0]) == ("second", 2.5)


def test_labels_have_an_index_that_is_current(lake: StoreURL, catalog: Catalog) -> None:
    new = EmptyDataset(CELLS, Kind.LABELS, "", Extent((40, 70, 80), ZYX, SIZE))
    place = place_of(make_empty(lake, catalog, new))
    labels = Labels(open_dataset(lake / place.key).level(0), lake / place.index_key)
    view = labels.view()
    assert view.state.consistency == "indexed"
    assert view.state.rows == 0
    box = Box((3, 4, 5), (9, 8, 7))
    write_labels(labels, box, np.full(box.shape, 1 << 63, np.uint64))
    assert labels.ask(lambda view: view.extent(1 << 63)).box == box
    assert labels.in_box(labels.volume.box).labels.tolist() == [1 << 63]


def test_labels_in_time_are_asked_at_each_of_as_many_time_points_as_may_be(
    lake: StoreURL, catalog: Catalog
) -> None:
    times = 1 << 14
    new = EmptyDataset(CELLS, Kind.LABELS, "", Extent((times, 4, 5, 6), ("t", *ZYX), SIZE))
    place = place_of(make_empty(lake, catalog, new))
    labels = labels_of(open_dataset(lake / place.key), lake / place.index_key)
    assert labels.times == times
    box = Box((times - 1, 0, 0, 0), (times, 1, 2, 3))
    write_labels(labels, box, np.full(box.shape, 7, np.uint64))
    last = labels.at_time(times - 1)
    assert last.ask(lambda view: view.extent(7)).voxels == 6
    assert len(labels.at_time().view().all()) == 0


def test_labels_of_an_image_cover_it(lake: StoreURL, catalog: Catalog) -> None:
    url = lake / make_empty(lake, catalog, image(levels=3)).url
    record = make_empty(lake, catalog, EmptyDataset(CELLS, Kind.LABELS, of="em"))
    assert record.url == f"{EM.collection}/{EM.experiment}/em.ome.zarr/labels/cells"
    of, own = open_dataset(url), open_dataset(lake / record.url)
    assert own.levels == of.levels
    assert own.multiscale.levels == of.multiscale.levels
    listed = json.loads(store.read(url / "labels/zarr.json").body)["attributes"]["ome"]["labels"]
    assert listed == ["cells"]
    with pytest.raises(InvalidInputError, match="leave voxel size"):
        make_empty(lake, catalog, EmptyDataset(EM.sibling("x"), Kind.LABELS, of="em", levels=1))
    with pytest.raises(NotFoundError):
        make_empty(lake, catalog, EmptyDataset(EM.sibling("x"), Kind.LABELS, of="none"))
    with pytest.raises(InvalidInputError, match="labels do, to images"):
        make_empty(lake, catalog, EmptyDataset(EM.sibling("x"), Kind.LABELS, of="cells"))


@pytest.mark.parametrize(
    "wrong",
    [
        image((0, 1, 1)),
        image((1, 1)),
        image((1, 1, (1 << 62) + 1)),
        image(levels=0),
        image(levels=40),
        image(levels=2, steps=((2, 2, 2),)),
        image(steps=((0, 2, 2),)),
        image(steps=((64, 64, 64),)),
        replace(image(), dtype="uint64"),
        replace(image(), dtype="float64"),
        replace(image(), dtype=""),
        replace(image(), dtype="no type"),
        replace(image(), extent=None),
        replace(image(), kind=Kind.LABELS, dtype="int32"),
        EmptyDataset(EM, Kind.LABELS, "", Extent((2, 2, 2, 2), ("c", *ZYX), SIZE)),
        EmptyDataset(EM, Kind.LABELS, "", Extent(((1 << 14) + 1, 2, 2, 2), ("t", *ZYX), SIZE)),
        EmptyDataset(EM, Kind.IMAGE, "uint8", Extent((2, 2, 2), ("x", "y", "z"), SIZE)),
    ],
)
def test_what_cannot_be_leaves_nothing(
    lake: StoreURL, catalog: Catalog, wrong: EmptyDataset
) -> None:
    with pytest.raises(InvalidInputError):
        make_empty(lake, catalog, wrong)
    assert catalog.list_datasets() == []
    assert store.list_children(lake)[0] in ([], [".voxlake"])


def test_of_several_at_once_one_makes_it(lake: StoreURL, catalog: Catalog) -> None:
    def make(number: int) -> str:
        try:
            return make_empty(lake, catalog, image((9, 9, number + 1))).state
        except ConflictError:
            return "taken"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(make, range(8)))
    assert sorted(told) == ["ready", *["taken"] * 7]
    dataset = open_dataset(lake / catalog.get_dataset(EM).url)
    assert dataset.level(0).shape[2] == told.index("ready") + 1


def test_a_dataset_that_the_catalog_does_not_know_stays(lake: StoreURL, catalog: Catalog) -> None:
    url = lake / make_empty(lake, catalog, image()).url
    catalog.remove_dataset(EM)
    with pytest.raises(ConflictError, match="voxlake init"):
        make_empty(lake, catalog, image((1, 2, 3)))
    assert open_dataset(url).level(0).shape == (33, 70, 40)
    assert catalog.list_datasets() == []


class Cut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("by", [Cut, StoreUnavailableError])
def test_what_was_cut_off_can_be_made_again(
    lake: StoreURL,
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    by: type[BaseException],
) -> None:
    """Cut off before each thing that is stored, by its end or by the store's."""
    left = [after]

    def counted(do: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise by("the store is away")
            return do(*args, **options)

        return call

    new = EmptyDataset(EM, Kind.LABELS, "", Extent((9, 9, 9), ZYX, SIZE), 2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "create", counted(store.create))
        patch.setattr(Making, "finish", counted(Making.finish))
        with pytest.raises(by):
            make_empty(lake, catalog, new)
    if by is Cut:
        record = catalog.get_dataset(EM)
        assert record.state is DatasetState.INGESTING
        if store.exists(lake / record.url / "zarr.json"):
            assert not is_whole(lake / record.url)
        with pytest.raises(ConflictError):
            make_empty(lake, catalog, new)
        monkeypatch.setattr(empty, "ABANDONED_S", 0.0)
    other = replace(new, extent=Extent((5, 6, 7), ZYX, SIZE), levels=1)
    record = make_empty(lake, catalog, other)
    assert record.state is DatasetState.READY
    assert open_dataset(lake / record.url).level(0).shape == (5, 6, 7)
    assert not validate_dataset(lake / record.url)
