"""Marks of stale boxes: made before voxels change, few for many writes, and gone with a dataset."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, create, fill
from tests.ngff.labels.steps import watch

from voxlake.ngff import stale
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.lake import Place, survey
from voxlake.ngff.making.create import remove_dataset
from voxlake.ngff.making.replacing import Replacement
from voxlake.ngff.stale import (
    LATE_S,
    MOST_APART,
    OPEN_S,
    SETTLED_S,
    delete_marks,
    list_marks,
    mark_of,
    marked,
    marked_while,
    marks_url,
)
from voxlake.ngff.storage.leftovers import leftovers, sweep
from voxlake.platform import store
from voxlake.platform.errors import StoreError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.volume import Volume

IMAGE = Sample(shape=(70, 140, 700))
INSIDE = Sample(Kind.LABELS, (70, 140, 700), "uint64", name="cells", of="em")
LABELS = Sample(Kind.LABELS, (70, 140, 200), "uint64", name="cells")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    stale.forget_marks()
    yield
    stale.forget_marks()


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = 0.0
        clocks = SimpleNamespace(monotonic=lambda: self.passed, time=lambda: 0.0)
        monkeypatch.setattr(stale, "time", clocks)

    def pass_(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture(params=["file", "s3"])
def volume(request: pytest.FixtureRequest) -> Volume:
    name = {"file": "lake", "s3": "s3_store"}[request.param]
    lake: StoreURL = request.getfixturevalue(name)
    return create(lake, IMAGE).level(0)


def _boxes(volume: Volume) -> list[Box]:
    return [mark.box for mark in list_marks(volume.url)]


def _mark(volume: Volume, *boxes: Box) -> None:
    with marked(volume, boxes):
        pass


def _voxel(*place: int) -> Box:
    return Box(place, tuple(n + 1 for n in place))


def test_what_is_written_is_marked_before_by_whole_chunks(volume: Volume) -> None:
    with marked(volume, [_voxel(69, 130, 600)]):
        assert _boxes(volume) == [Box((64, 128, 576), (70, 140, 640))]
    with marked(volume, [Box((0, 0, 500), (1, 1, 700))]):
        first, *parts = _boxes(volume)
        assert parts == [Box((0, 0, 448), (64, 64, 512)), Box((0, 0, 512), (64, 64, 700))]
    names = [mark.url.name for mark in list_marks(volume.url)]
    delete_marks(volume.url, names[1:])
    assert _boxes(volume) == [first]


@given(
    ranges=st.lists(
        st.tuples(st.integers(0, 1 << 50), st.integers(1, 1 << 40)), min_size=2, max_size=5
    )
)
def test_the_name_of_a_mark_is_its_box(ranges: list[tuple[int, int]]) -> None:
    box = Box(tuple(lo for lo, _ in ranges), tuple(lo + n for lo, n in ranges))
    mark = stale._new(StoreURL("s3", "lab"), box)
    assert mark_of(mark.url) == mark
    assert len(mark.url.name) < 255


@pytest.mark.parametrize(
    "name", ["0-1.01", "5-5_0-1.01ARZ3NDEKTSV4RRFFQ69G5FAV", "0-1", "zarr.json", "-1-2.x"]
)
def test_other_objects_are_no_marks(name: str) -> None:
    assert mark_of(StoreURL("s3", "lab") / name) is None


def test_a_volume_of_no_lake_is_not_marked(lake: StoreURL) -> None:
    assert marks_url(lake / "a.zarr" / "0") is None
    assert list_marks(lake / "a.zarr" / "0") == []


@pytest.mark.folder
def test_a_level_that_is_opened_by_its_path_has_the_same_marks(lake: StoreURL) -> None:
    volume = create(lake, IMAGE).level(0)
    _mark(volume, _voxel(0, 0, 0))
    by_path = StoreURL.parse(str(volume.url.path))
    assert [mark.ulid for mark in list_marks(by_path)] == [
        mark.ulid for mark in list_marks(volume.url)
    ]


def test_an_open_mark_is_enough_for_what_it_covers(volume: Volume, clock: Clock) -> None:
    _mark(volume, Box((0, 0, 0), (64, 128, 64)))
    for place in ((0, 0, 0), (63, 127, 63), (5, 64, 5)):
        _mark(volume, _voxel(*place))
    assert len(_boxes(volume)) == 1
    _mark(volume, _voxel(64, 0, 0))
    assert len(_boxes(volume)) == 2
    clock.pass_(OPEN_S)
    _mark(volume, _voxel(0, 0, 0))
    assert len(_boxes(volume)) == 3


def test_marks_of_one_place_are_two_however_long_it_is_written_to(
    volume: Volume, clock: Clock
) -> None:
    """The first, which tells since when, and the newest."""
    _mark(volume, _voxel(0, 0, 0))
    (first,) = list_marks(volume.url)
    for _ in range(5):
        clock.pass_(OPEN_S)
        _mark(volume, _voxel(0, 0, 0))
    assert len(_boxes(volume)) == 2
    assert list_marks(volume.url)[0] == first
    delete_marks(volume.url, [first.url.name])  # the levels were made
    (second,) = list_marks(volume.url)
    for _ in range(3):
        clock.pass_(OPEN_S)
        _mark(volume, _voxel(0, 0, 0))
    assert len(_boxes(volume)) == 2
    assert list_marks(volume.url)[0] == second


def test_many_boxes_of_a_shard_are_marked_as_one(lake: StoreURL) -> None:
    volume = create(lake, Sample(shape=(320, 320, 320))).level(0)
    chunks = list(volume.box.tiles(volume.chunk))
    Random(1).shuffle(chunks)
    assert len(chunks) > MOST_APART + 1
    for chunk in chunks:
        _mark(volume, chunk)
    assert len(_boxes(volume)) == MOST_APART + 1
    assert volume.shard_box((0, 0, 0)) in _boxes(volume)


def test_a_mark_that_took_long_to_store_is_made_anew(
    volume: Volume, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that it was there, a job might have taken it for settled."""
    real, slow = store.write, [LATE_S, 0.0]

    def write(url: StoreURL, body: bytes) -> str:
        clock.pass_(slow.pop(0))
        return real(url, body)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", write)
        _mark(volume, _voxel(0, 0, 0))
    assert not slow
    assert len(_boxes(volume)) == 2
    _mark(volume, _voxel(0, 0, 0))  # by the second
    assert len(_boxes(volume)) == 2


def test_what_is_done_meanwhile_is_done_before_the_block(volume: Volume) -> None:
    for answer in ("marked", "covered"):
        with marked_while(volume, [_voxel(0, 0, 0)], answer.upper) as given:
            assert given == answer.upper()
            assert len(_boxes(volume)) == 1


def test_a_write_that_took_long_is_marked_again(volume: Volume, clock: Clock) -> None:
    with marked(volume, [_voxel(0, 0, 0)]):
        (first,) = list_marks(volume.url)
        clock.pass_(LATE_S + 1)
        delete_marks(volume.url, [first.url.name])
    (again,) = list_marks(volume.url)
    assert again.box == first.box


def test_a_write_that_took_long_and_failed_is_marked_again(volume: Volume, clock: Clock) -> None:
    with pytest.raises(StoreError), marked(volume, [_voxel(0, 0, 0)]):  # noqa: PT012
        clock.pass_(LATE_S + 1)
        raise StoreError("nobody knows whether it was stored")
    assert len(_boxes(volume)) == 2


def test_a_mark_is_settled_when_all_that_rely_on_it_have_written() -> None:
    mark = stale._new(StoreURL("s3", "lab"), _voxel(0, 0, 0))
    assert not mark.is_settled(datetime.now(UTC))
    assert not mark.is_settled(mark.made + timedelta(seconds=SETTLED_S))
    assert mark.is_settled(mark.made + timedelta(seconds=SETTLED_S + 1))
    assert OPEN_S + LATE_S + 30 < SETTLED_S


def test_labels_that_changed_are_marked_wherever_their_writer_is_killed(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = create(lake, LABELS)
    fill(dataset, LABELS)
    volume, index = dataset.level(0), lake / "lab/brain/cells.index/cells"
    labels, rng = Labels(volume, index), np.random.default_rng(4)
    box = Box((3, 60, 60), (60, 70, 70))
    steps = watch(monkeypatch)

    def write(voxels: np.ndarray) -> None:
        write_labels(labels, box, voxels)

    total = steps.run(lambda: write(rng.integers(1, 99, box.shape, np.uint64)), {})
    assert total > 5
    marked_before = 0
    for step in range(total):
        for when in ("kill before", "kill after"):
            delete_marks(volume.url, [mark.url.name for mark in list_marks(volume.url)])
            stale.forget_marks()
            before = volume.read(box).result()
            steps.run(lambda: write(rng.integers(1, 99, box.shape, np.uint64)), {step: when})
            if (volume.read(box).result() != before).any():
                assert any(each.contains(box) for each in _boxes(volume))
            else:
                marked_before += bool(_boxes(volume))
    assert marked_before


def test_marks_go_with_their_dataset_and_stay_with_others(lake: StoreURL) -> None:
    image, inside = (
        create(lake, IMAGE),
        create(lake, INSIDE),
    )
    for dataset in (image, inside):
        _mark(dataset.level(0), _voxel(0, 0, 0))
    name = DatasetName("lab", "brain", "cells")
    remove_dataset(lake, Place(name, Kind.LABELS, of="em"))
    assert not list(store.walk(lake / "lab/brain/em.stale/labels/cells"))
    assert len(_boxes(image.level(0))) == 1
    _mark(image.level(0), _voxel(0, 0, 0))
    assert len(list(survey(lake))) == 1
    remove_dataset(lake, Place(name.sibling("em"), Kind.IMAGE))
    assert not list(store.walk(lake / "lab/brain/em.stale"))


def test_marks_of_what_was_replaced_go_with_it(lake: StoreURL) -> None:
    """Those of labels in an image stay."""
    image, inside = (
        create(lake, IMAGE),
        create(lake, INSIDE),
    )
    place, job = Place(DatasetName("lab", "brain", "em"), Kind.IMAGE), "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    other = lake / "lab/brain/em.ome.zarr/by-01ARZ3NDEKTSV4RRFFQ69G5FAW/0"
    for level in (image.level_url(0), other, inside.level_url(0)):
        url = marks_url(level)
        assert url is not None
        store.write(stale._new(url, _voxel(0, 0, 0)).url, b"")
    store.write(other / "zarr.json", b"{}")
    Replacement(lake, place, job, tuple(level.path for level in image.multiscale.levels)).clear()
    assert list_marks(image.level_url(0)) == list_marks(other) == []
    assert len(list_marks(inside.level_url(0))) == 1


@pytest.mark.folder
def test_files_of_those_who_were_killed_while_they_marked_are_swept(lake: StoreURL) -> None:
    image, inside = create(lake, IMAGE), create(lake, INSIDE)
    for dataset in (image, inside):
        _mark(dataset.level(0), _voxel(0, 0, 0))
        (mark,) = list_marks(dataset.level_url(0))
        mark.url.path.with_name(".x.__lock").touch()
        os.utime(mark.url.path.with_name(".x.__lock"), (0, 0))
        assert len(leftovers(dataset.url, None)) == 1
    sweep(image.url, None)
    assert leftovers(image.url, None) == []
    assert len(leftovers(inside.url, None)) == 1
    assert len(_boxes(image.level(0))) == 1
