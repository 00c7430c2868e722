"""Labels in time: each time point answers as labels without time do, and nothing mixes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, create
from tests.ngff.labels.answers import check_box, check_label, check_tables, check_voxels
from tests.ngff.labels.bulk_jobs import BulkJob
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.scenes import CHUNK, SHAPE, SHARD, Scene
from zarr.codecs import BloscCodec

from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels, labels_of
from voxlake.ngff.labels.mapping.mapping import open_mapping
from voxlake.ngff.labels.merges import merge
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.ngff.labels.view import View
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.shards.splice import keep_where_zero, overwrite
from voxlake.ngff.stale import list_marks
from voxlake.platform import store
from voxlake.platform.errors import NotFoundError, OutOfBoundsError, UnsupportedError
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.platform.store import StoreURL

TIMES = 3
LABELS = (0, 1, 2, 1 << 40, (1 << 64) - 1)

type Doing = Literal["write", "keep", "foreign", "compact", "audit", "bulk"]


@dataclass(frozen=True)
class Moment(Scene):
    """A scene that is one time point of labels."""

    point: Labels = field(kw_only=True)

    @property
    def opened(self) -> Labels:
        return self.point


@dataclass(frozen=True)
class Act:
    """Something that is done to labels at some time points."""

    kind: Doing
    box: Box
    """t, z, y, x."""
    label: int

    def do(self, labels: Labels, voxels: npt.NDArray[Any]) -> None:
        """Do it, and what it is to the voxels."""
        CACHE.clear()
        new = np.full(self.box.shape, self.label, np.uint64)
        new[..., ::3] = 0
        if self.kind in {"write", "keep"}:
            blend = overwrite if self.kind == "write" else keep_where_zero
            write_labels(labels, self.box, new, blend)
            blend(voxels[self.box.slices], new)
        elif self.kind == "foreign":
            labels.volume.write(self.box, new).result()
            voxels[self.box.slices] = new
            for point in labels.each_time():
                audit(point)
        else:
            self._keep_up(labels.at_time(self.box.start[0]))

    def _keep_up(self, point: Labels) -> None:
        if self.kind == "compact":
            compact(point)
        elif self.kind == "audit":
            audit(point)
        else:
            BulkJob(moment(point), fragments=1).finish()


def _box(ends: tuple[tuple[int, int], ...]) -> Box:
    return Box(tuple(min(pair) for pair in ends), tuple(max(pair) + 1 for pair in ends))


BOXES = st.tuples(*(st.tuples(*[st.integers(0, n - 1)] * 2) for n in (TIMES, *SHAPE))).map(_box)
KINDS = st.sampled_from(["write", "write", "keep", "foreign", "compact", "audit", "bulk"])
ACTS = st.lists(st.builds(Act, KINDS, BOXES, st.sampled_from(LABELS)), min_size=2, max_size=8)


def in_time(lake: StoreURL, **options: Any) -> Labels:
    """Return labels of some time points, without voxels."""
    url = lake / uuid4().hex
    volume = new_volume(url / "labels", (TIMES, *SHAPE), (1, *CHUNK), (1, *SHARD), **options)
    return Labels(volume, url / "index")


def moment(point: Labels) -> Moment:
    return Moment(point.volume, point.index_url, point=point)


def check_all(labels: Labels, voxels: npt.NDArray[Any], turn: int = 0) -> None:
    """Hold every query at every time point against NumPy, and the voxels against zarr."""
    np.testing.assert_array_equal(zarr.open_array(as_zarr(labels.volume.url))[...], voxels)
    for time, point in enumerate(labels.each_time()):
        CACHE.clear()
        scene = moment(point)
        np.testing.assert_array_equal(scene.voxels(), voxels[time])
        check_tables(scene, voxels[time])
        for check in (check_label, check_voxels, check_box):
            check(scene, voxels[time], turn)


@settings(max_examples=5)
@given(ACTS)
def test_after_any_history_each_time_point_is_as_its_voxels(
    lake: StoreURL, acts: list[Act]
) -> None:
    labels, voxels = in_time(lake), np.zeros((TIMES, *SHAPE), np.uint64)
    for turn, act in enumerate(acts):
        act.do(labels, voxels)
        check_all(labels, voxels, turn)


def test_a_write_to_one_time_point_touches_no_other(lake: StoreURL) -> None:
    labels, box = in_time(lake), Box((1, 1, 1, 1), (2, 4, 5, 10))
    etags = write_labels(labels, box, np.full(box.shape, 7, np.uint64))
    assert sorted(etags) == [(1, 0, 0, 0), (1, 0, 0, 1)]
    point = labels.at_time(1)
    assert point.ask(lambda view: view.extent(7)).box == Box((1, 1, 1), (4, 5, 10))
    for time in (0, 2):
        other = labels.at_time(time)
        assert len(other.ask(View.all)) == 0
        with pytest.raises(NotFoundError):
            other.ask(lambda view: view.extent(7))
    assert not list(store.walk(labels.index_url / "times" / "0" / "shards"))
    assert store.exists(labels.index_url / "times" / "1" / "shards" / "0.0.0.parquet")


def test_one_time_point_is_written_by_its_own_handle(any_store: StoreURL) -> None:
    labels, box = in_time(any_store), Box((0, 0, 0), (2, 3, 4))
    voxels = np.zeros((TIMES, *SHAPE), np.uint64)
    write_labels(labels.at_time(2), box, np.full(box.shape, 3, np.uint64))
    voxels[2][box.slices] = 3
    for kind in ("write", "compact", "keep"):
        Act(kind, Box((1, 1, 1, 1), (3, 6, 7, 12)), 2).do(labels, voxels)
    check_all(labels, voxels)


def test_marks_of_stale_boxes_bear_the_time_point(lake: StoreURL) -> None:
    sample = Sample(Kind.LABELS, (2, 9, 10, 11), "uint64", ("t", "z", "y", "x"), name="cells")
    labels = labels_of(create(lake, sample), lake / "lab/brain/cells.index/labels")
    box = Box((0, 0, 0), (1, 1, 1))
    for time in range(2):
        write_labels(labels.at_time(time), box, np.ones(box.shape, np.uint64))
    marks = sorted(mark.box for mark in list_marks(labels.volume.url))
    assert marks == [Box((time, 0, 0, 0), (time + 1, 9, 10, 11)) for time in range(2)]


def test_ids_are_reserved_above_those_of_every_time_point(lake: StoreURL) -> None:
    labels = in_time(lake)
    box = Box((2, 0, 0, 0), (3, 1, 1, 1))
    write_labels(labels, box, np.full(box.shape, 41, np.uint64))
    assert reserve(labels, 3) == range(42, 45)
    assert reserve(labels.at_time(0), 2) == range(45, 47)
    assert reserve(labels.at_time(1), 2) == range(47, 49)


def test_bodies_are_the_same_at_every_time_point(lake: StoreURL) -> None:
    labels = in_time(lake)
    for time, label in ((0, 3), (1, 4)):
        box = Box((time, 0, 0, 0), (time + 1, 1, 1, 2))
        write_labels(labels, box, np.full(box.shape, label, np.uint64))
    merge(labels, [3, 4])
    mapped = Labels(labels.volume, labels.index_url, open_mapping(labels.index_url))
    for time in (0, 1):
        assert mapped.at_time(time).ask(lambda view: view.extent(3)).voxels == 2
        assert mapped.at_time(time).in_box(Box.of_shape(SHAPE)).labels.tolist() == [3]
    with pytest.raises(NotFoundError, match="no voxel has 5"):
        merge(labels, [3, 5])


def test_time_points_that_are_not_there_are_said_to_be_so(lake: StoreURL) -> None:
    labels = in_time(lake)
    for time in (-1, TIMES):
        with pytest.raises(OutOfBoundsError, match=f"time point {time} .* it has 0 to 2"):
            labels.at_time(time)
    with pytest.raises(UnsupportedError, match="of labels in time is of each time point"):
        labels.view()
    still = Labels(new_volume(lake / "still", SHAPE, CHUNK, SHARD), lake / "index")
    assert still.at_time() is still.at_time(0) is still
    assert (still.times, [*still.each_time()]) == (None, [still])
    with pytest.raises(OutOfBoundsError, match=r"time point 1 .* it has 0 alone"):
        still.at_time(1)


def test_shards_of_several_time_points_are_no_time_points(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels", (TIMES, *SHAPE), (1, *CHUNK), (2, *SHARD))
    with pytest.raises(UnsupportedError, match="whose shards hold one each"):
        Labels(volume, lake / "index").at_time(0)


def test_channels_are_no_time_points(lake: StoreURL) -> None:
    sample = Sample(Kind.LABELS, (2, 9, 10, 11), "uint64", ("c", "z", "y", "x"), name="cells")
    with pytest.raises(UnsupportedError, match="has the axes c, z, y, x"):
        labels_of(create(lake, sample), lake / "index")


@pytest.mark.parametrize("coding", ["zstd", "blosc", "v2", "v2 flat"])
def test_labels_that_are_coded_in_other_ways_are_indexed_in_time(
    lake: StoreURL, coding: str
) -> None:
    """TensorStore reads and writes them; each time point is decoded by itself."""
    options: dict[str, Any] = {}
    if coding == "blosc":
        options["compressors"] = BloscCodec(cname="zstd")
    if "v2" in coding:
        options |= {
            "zarr_format": 2,
            "chunk_key_encoding": {"name": "v2", "separator": "./"[coding == "v2"]},
        }
    url = lake / uuid4().hex
    chunk, shard = ((1, *SHARD), None) if "v2" in coding else ((1, *CHUNK), (1, *SHARD))
    volume = new_volume(url / "labels", (TIMES, *SHAPE), chunk, shard, **options)
    labels, voxels = Labels(volume, url / "index"), np.zeros((TIMES, *SHAPE), np.uint64)
    for kind in ("write", "foreign", "compact"):
        Act(kind, Box((0, 0, 1, 2), (2, 5, 6, 11)), 3).do(labels, voxels)
        check_all(labels, voxels)
