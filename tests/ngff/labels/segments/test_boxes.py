"""Boxes of files: what their rows add up to, in one block; damage found, hidden shards left out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.scenes import Scene, new_scene
from tests.servers.s3_proxy import s3_proxy

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.queries import extent
from voxlake.ngff.labels.queries.hidden import hide, layers_of
from voxlake.ngff.labels.segments import boxes_reader
from voxlake.ngff.labels.segments.boxes import BLOCK_BYTES, boxes_url
from voxlake.ngff.labels.segments.boxes_reader import file_boxes
from voxlake.ngff.labels.segments.publishing import publish, write_segment
from voxlake.ngff.labels.segments.rows import SegmentRows
from voxlake.ngff.labels.segments.segment_file import find_in_file, write_file
from voxlake.ngff.labels.state import in_force
from voxlake.ngff.labels.table import LabelExtent, LabelTable, merge_tables
from voxlake.ngff.labels.upkeep import merging
from voxlake.ngff.memory.cache import Cache, Cached
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError, NotFoundError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from tests.servers.s3 import S3Server

    from voxlake.ngff.labels.segments.manifest import SegmentFile
    from voxlake.ngff.labels.view import View

LAST = (1 << 64) - 1
OTHER_SHARD = Box((4, 0, 0), (5, 2, 2))


def some_rows(count: int, labels: int, seed: int, reach: int = 1 << 20) -> SegmentRows:
    """Return rows of random labels, the largest possible one among them, by label and shard."""
    rng = np.random.default_rng(seed)
    ids = np.append(rng.integers(1, LAST, labels - 1, np.uint64, endpoint=True), np.uint64(LAST))
    start = rng.integers(0, reach, (count, 3))
    counts = rng.integers(1, 5, count)
    return SegmentRows(
        np.sort(rng.choice(ids, count)),
        np.arange(count, dtype=np.uint64),
        rng.integers(1, 1 << 40, count, np.uint64),
        start,
        start + rng.integers(1, 100, (count, 3)),
        counts,
        rng.integers(0, 1 << 16, int(counts.sum())).astype(np.uint16),
    )


def grouped(rows: SegmentRows) -> list[LabelExtent]:
    """Return what the rows of each label add up to, one row after the other."""
    found: dict[int, LabelExtent] = {}
    for line in range(len(rows)):
        start, stop = rows.start[line].tolist(), rows.stop[line].tolist()
        label, voxels = int(rows.labels[line]), int(rows.voxels[line])
        box = Box(tuple(start), tuple(stop))
        one = LabelExtent(label, voxels, box, int(rows.chunk_counts[line]), 1)
        found[label] = found[label] + one if label in found else one
    return list(found.values())


def as_extents(table: LabelTable) -> list[LabelExtent]:
    return [table.extent(line) for line in range(len(table))]


@settings(max_examples=25)
@given(
    count=st.integers(1, 700),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 999),
    reach=st.sampled_from([1 << 20, 1 << 40, 1 << 62]),
)
def test_boxes_are_what_the_rows_add_up_to(
    memory_store: StoreURL, count: int, share: float, seed: int, reach: int
) -> None:
    rows = some_rows(count, max(int(count * share), 1), seed, reach)
    expected = grouped(rows)
    file = write_file(memory_store, rows)
    assert file.boxes.record == (80 if int(rows.stop.max()) >> 32 else 48)
    assert as_extents(merge_tables(file_boxes(memory_store, file).tables())) == expected
    assert [file_boxes(memory_store, file).extent(one.label) for one in expected] == expected
    some = np.array([one.label for one in expected[seed % 3 :: 3]], np.uint64)
    rng = np.random.default_rng(seed)
    absent = np.setdiff1d(rng.integers(1, LAST, 40, np.uint64), rows.labels)
    asked = np.union1d(some, absent)
    assert as_extents(file_boxes(memory_store, file).table(asked)) == expected[seed % 3 :: 3]
    assert {file_boxes(memory_store, file).extent(int(label)) for label in absent} == {None}
    assert not len(file_boxes(memory_store, file).table(asked[:0]))
    for label in (0, *asked.tolist(), LAST):
        above = merge_tables(file_boxes(memory_store, file).tables_above(label))
        assert as_extents(above) == [one for one in expected if one.label > label]


def test_few_blocks_are_read_of_a_page(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = some_rows(40_000, 40_000, 3)
    labels = np.unique(rows.labels)
    boxes = file_boxes(memory_store, write_file(memory_store, rows))
    read, sizes = store.read_ranges, list[int]()

    def noting(url: StoreURL, spans: list[tuple[int, int]]) -> list[bytes]:
        sizes.extend(stop - start for start, stop in spans)
        return read(url, spans)

    monkeypatch.setattr(store, "read_ranges", noting)
    middle = len(labels) // 2
    page = next(boxes.tables_above(int(labels[middle])))
    assert sizes == [boxes_reader.FEW_BLOCKS * BLOCK_BYTES]
    assert len(page) > (boxes_reader.FEW_BLOCKS - 1) * 80
    assert page.labels.tolist() == labels[middle + 1 :][: len(page)].tolist()


@pytest.mark.parametrize("count", [85, 86, 170, 40_000])
def test_blocks_that_are_just_full(memory_store: StoreURL, count: int) -> None:
    rows = some_rows(count, count, count)
    rows = rows.take(np.unique(rows.labels, return_index=True)[1])
    file = write_file(memory_store, rows)
    table = merge_tables(file_boxes(memory_store, file).tables())
    assert np.array_equal(table.labels, rows.labels)
    assert np.array_equal(table.voxels, rows.voxels)
    some = rows.labels[:: max(count // 50, 1)]
    assert np.array_equal(file_boxes(memory_store, file).table(some).labels, some)
    for label in (int(rows.labels[0]), int(rows.labels[-1]), int(rows.labels[-1]) - 1):
        found = file_boxes(memory_store, file).extent(label)
        assert (found is not None) == (label in rows.labels)


def test_any_flipped_bit_is_found(memory_store: StoreURL) -> None:
    rows = some_rows(300, 200, 1)
    file = write_file(memory_store, rows)
    body = store.read(boxes_url(memory_store, file.ulid)).body
    labels = np.unique(rows.labels)
    for place in (*range(0, len(body), 97), *range(len(body) - 24, len(body))):
        ulid = uuid4().hex
        damaged = file.model_copy(update={"ulid": ulid})
        flipped = bytes([body[place] ^ (1 << place % 8)])
        store.write(boxes_url(memory_store, ulid), body[:place] + flipped + body[place + 1 :])
        with pytest.raises(CorruptDataError, match=r"boxes .* are damaged"):
            list(file_boxes(memory_store, damaged).tables())
        in_index = place >= len(body) // BLOCK_BYTES * BLOCK_BYTES
        first = labels[85 * (place // BLOCK_BYTES)] if not in_index else labels[0]
        with pytest.raises(CorruptDataError):
            file_boxes(memory_store, damaged).extent(int(first))
    cut = file.model_copy(update={"ulid": uuid4().hex})
    store.write(boxes_url(memory_store, cut.ulid), body[:BLOCK_BYTES])
    with pytest.raises(CorruptDataError):
        file_boxes(memory_store, cut).extent(int(labels[0]))


GRID, SHARD = (3, 4, 5), (4, 6, 8)
EDGES = st.tuples(*(st.integers(0, n * step - 1) for n, step in zip(GRID, SHARD, strict=True)))


@settings(max_examples=50)
@given(
    shards=st.sets(st.integers(0, 59), max_size=12),
    edges=st.lists(st.tuples(EDGES, EDGES), min_size=1),
)
def test_boxes_that_touch_hidden_shards(
    shards: set[int], edges: list[tuple[tuple[int, ...], tuple[int, ...]]]
) -> None:
    hidden = hide(np.array(sorted(shards), np.uint64), GRID, SHARD)
    start = np.array([np.minimum(*pair) for pair in edges], np.int64)
    stop = np.array([np.maximum(*pair) + 1 for pair in edges], np.int64)
    expected = []
    for low, high in zip(start.tolist(), stop.tolist(), strict=True):
        cells = Box(tuple(low), tuple(high)).cells(SHARD)
        numbers = {int(np.ravel_multi_index(cell, GRID)) for cell in cells}
        expected.append(bool(numbers & shards))
        assert hidden.touches(Box(tuple(low), tuple(high))) == expected[-1]
    assert hidden.touch(start, stop).tolist() == expected


def test_a_label_that_goes_on_in_the_next_part_is_added_up(lake: StoreURL) -> None:
    scene = new_scene(lake)
    rows = some_rows(40, 1, 3)
    halves = [rows.take(np.arange(first, first + 20)) for first in (0, 20)]
    files = tuple(write_file(scene.index, half) for half in halves)
    segment = write_segment(scene.index, rows, {0: ""}).model_copy(update={"files": files})
    publish(scene.opened, None, (segment,))
    (layer,) = layers_of(in_force(scene.opened))
    assert [boxes.file for boxes in layer.boxes_of(LAST)] == list(files)
    assert list(layer.boxes_of(LAST - 1)) == []
    expected = grouped(rows)
    assert [Labels(scene.volume, scene.index).view().extent(LAST)] == expected
    assert as_extents(Labels(scene.volume, scene.index).view().all()) == expected


def asked_by(scene: Scene, index: StoreURL, view: View | None = None) -> list[LabelExtent]:
    """Return all labels in one table, having held the other queries against it."""
    view = view or Labels(scene.volume, index).view()
    table = view.all()
    found = as_extents(table)
    assert as_extents(view.find(table.labels)) == found
    assert [view.extent(one.label) for one in found] == found
    return found


def test_a_view_that_is_held_answers_as_of_then(lake: StoreURL) -> None:
    scene = new_scene(lake)
    scene.compact()
    view = scene.opened.view()
    before = asked_by(scene, scene.index)
    scene.write(OTHER_SHARD, 77)
    scene.compact()
    assert asked_by(scene, scene.index, view) == before
    assert 77 in [one.label for one in asked_by(scene, scene.index)]
    with pytest.raises(NotFoundError, match="no voxel"):
        view.extent(77)


def test_a_view_whose_segments_are_gone_says_so(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = new_scene(lake)
    scene.compact()
    view = scene.opened.view()
    store.delete_tree(scene.index / "runs")
    with pytest.raises(CorruptDataError, match="are not there"):
        view.all()
    store.delete_tree(scene.index / "manifest")
    with pytest.raises(ConflictError, match="make a new one"):
        view.all()


def test_an_index_that_was_built_anew_is_not_taken_for_the_one_before(
    any_store: StoreURL,
) -> None:
    scene = new_scene(any_store)
    scene.compact()
    before = asked_by(scene, scene.index)
    for folder in ("manifest", "runs", "dirty"):
        store.delete_tree(scene.index / folder)
    scene.write_foreign(Box((4, 0, 0), (6, 4, 8)), 2)
    scene.compact()
    after = in_force(scene.opened).manifest
    assert after
    assert after.number == 1
    assert asked_by(scene, scene.index) != before
    scene.check()


def test_a_look_up_by_a_held_view_is_one_range_request(
    s3_store: StoreURL, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = new_scene(s3_store)
    scene.compact()
    with s3_proxy(s3_server.endpoint) as proxy:
        index = StoreURL(s3_store.scheme, s3_store.root, scene.index.key, proxy.endpoint)
        view = Labels(scene.volume, index).view()
        view.extent(1)
        monkeypatch.setattr(boxes_reader, "_blocks", Cached[bytes]("none", Cache(0)))
        proxy.requests.clear()
        view.extent(3)
        assert proxy.found == {"GET range": 1}
        proxy.requests.clear()
        Labels(scene.volume, index).view().extent(3)
        # Besides, the listings of markers and manifests.
        assert proxy.found == {"GET range": 1, "LIST": 2}


def test_boxes_answer_where_no_hidden_shard_is_and_rows_elsewhere(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = new_volume(lake / "labels", (4, 4, 16), (2, 4, 4), (4, 4, 8))
    voxels = np.zeros(volume.shape, np.uint64)
    voxels[0, 0, 1], voxels[1, 1, 9], voxels[2, 2, 5:12] = 5, 6, LAST
    volume.write(volume.box, voxels).result()
    scene = Scene(volume, lake / "index")
    scene.compact()
    asked: list[int] = []

    def find_and_tell(
        index_url: StoreURL, file: SegmentFile, labels: npt.NDArray[np.uint64]
    ) -> Iterator[SegmentRows]:
        asked.extend(labels.tolist())
        return find_in_file(index_url, file, labels)

    monkeypatch.setattr(extent, "find_in_file", find_and_tell)
    asked_by(scene, scene.index)
    assert asked == []
    monkeypatch.setattr(merging, "MAX_SHARE", 100.0)
    for act in (partial(scene.write, Box((3, 3, 15), (4, 4, 16)), 8), scene.compact):
        act()
        found = {one.label: one for one in asked_by(scene, scene.index)}
        assert set(asked) == {6, LAST}
        asked.clear()
        assert found[5] == LabelExtent(5, 1, Box((0, 0, 1), (1, 1, 2)), 1, 1)
        assert found[6] == LabelExtent(6, 1, Box((1, 1, 9), (2, 2, 10)), 1, 1)
        assert found[8] == LabelExtent(8, 1, Box((3, 3, 15), (4, 4, 16)), 1, 1)
        assert found[LAST] == LabelExtent(LAST, 7, Box((2, 2, 5), (3, 3, 12)), 2, 2)
