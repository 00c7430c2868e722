"""Labels in a box: equal to `numpy.unique` of the voxels, whatever the state of the index."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.samples import CHUNK, SHAPE, SHARD, bodies, dead_store, filled, new_volume
from tests.servers.s3_proxy import s3_proxy

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.queries.in_box import LabelsInBox, labels_in_box
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.sidecar import Sidecar, decode, encode, sidecar_url
from voxlake.ngff.reading import loading
from voxlake.ngff.shards.whole import write_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import OutOfBoundsError, StoreError, UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt
    from tests.servers.s3_proxy import Request

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SEED = 11


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...] = SHAPE) -> Box:
    """Draw a box of the volume, faces of chunks and shards more often than chance would."""
    faces = [
        sorted(draw(st.lists(_position(n, chunk), min_size=2, max_size=2)))
        for n, chunk in zip(shape, CHUNK, strict=True)
    ]
    return Box(tuple(lo for lo, _ in faces), tuple(hi for _, hi in faces))


def _position(extent: int, step: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, extent), st.sampled_from([*range(0, extent, step), extent]))


def index_all(volume: Volume, index: StoreURL) -> None:
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, index)


def assert_exact(found: LabelsInBox, voxels: npt.NDArray[Any], box: Box) -> None:
    block = voxels[box.slices]
    labels, counts = np.unique(block[block != 0], return_counts=True)
    assert found.labels.dtype == np.uint64
    assert found.labels.tolist() == labels.tolist()
    if found.voxels is not None:
        assert found.voxels.tolist() == counts.tolist()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Volume, StoreURL]:
    url = store.StoreURL.parse(str(tmp_path_factory.mktemp("indexed")))
    volume = filled(url / "labels", bodies(SEED))
    index_all(volume, url / "index")
    return volume, url / "index"


@settings(max_examples=80)
@given(box=boxes(), counts=st.booleans())
def test_labels_in_random_boxes(
    indexed: tuple[Volume, StoreURL],
    box: Box,
    counts: bool,
) -> None:
    volume, index = indexed
    found = labels_in_box(volume, index, box, counts=counts)
    assert_exact(found, bodies(SEED), box)
    assert found.stale_shards == ()
    assert (found.voxels is not None) == counts
    cut = [chunk for chunk in volume.box.tiles(CHUNK) if not box.contains(chunk)]
    assert found.chunks_read <= sum(not (chunk & box).is_empty for chunk in cut)


def test_labels_in_a_box_on_every_store(any_store: StoreURL) -> None:
    voxels = bodies(12)
    volume, index = filled(any_store / "labels", voxels), any_store / "index"
    index_all(volume, index)
    for box in (volume.box, Box((3, 5, 7), (19, 23, 29)), Box((8, 12, 16), (16, 24, 31))):
        for counts in (False, True):
            found = labels_in_box(volume, index, box, counts=counts)
            assert_exact(found, voxels, box)
            assert found.stale_shards == ()


def test_whole_chunks_are_answered_without_a_voxel(indexed: tuple[Volume, StoreURL]) -> None:
    volume, index = indexed
    for box in (volume.box, Box((4, 8, 8), (20, 28, 24))):
        assert labels_in_box(volume, index, box, counts=True).chunks_read == 0


def test_a_tight_face_inside_decides_without_a_voxel(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels")
    voxels = np.zeros(SHAPE, np.uint64)
    voxels[0:4, 1, 1] = 5
    volume.write(volume.box, voxels).result()
    index_all(volume, lake / "index")
    cut_by_one_face, cut_by_both = Box((0, 0, 0), (2, 4, 8)), Box((1, 0, 0), (3, 4, 8))
    found = labels_in_box(volume, lake / "index", cut_by_one_face)
    assert (found.labels.tolist(), found.chunks_read) == ([5], 0)
    # Rows cannot say whether the label passes through the middle, nor how many voxels are in.
    found = labels_in_box(volume, lake / "index", cut_by_both)
    assert (found.labels.tolist(), found.chunks_read) == ([5], 1)
    found = labels_in_box(volume, lake / "index", cut_by_one_face, counts=True)
    assert found.voxels is not None
    assert (found.voxels.tolist(), found.chunks_read) == ([2], 1)


def test_a_label_whose_box_meets_but_whose_voxels_do_not_is_out(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels")
    voxels = np.zeros(SHAPE, np.uint64)
    voxels[0, 0, 0] = voxels[3, 3, 7] = 5
    volume.write(volume.box, voxels).result()
    index_all(volume, lake / "index")
    found = labels_in_box(volume, lake / "index", Box((1, 1, 1), (3, 3, 6)))
    assert (found.labels.tolist(), found.chunks_read) == ([], 1)


def test_two_faces_inside_do_not_make_a_voxel_inside(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels")
    voxels = np.zeros(SHAPE, np.uint64)
    voxels[0, 0, 3] = voxels[0, 3, 0] = 5
    volume.write(volume.box, voxels).result()
    index_all(volume, lake / "index")
    for box, labels in ((Box((0, 0, 0), (1, 2, 2)), []), (Box((0, 0, 0), (1, 2, 4)), [5])):
        assert labels_in_box(volume, lake / "index", box).labels.tolist() == labels


@settings(max_examples=8)
@given(box=boxes(), patch=boxes(), label=st.integers(1, (1 << 64) - 1), counts=st.booleans())
def test_after_a_foreign_write_answers_are_exact_and_name_the_shard(
    memory_store: StoreURL, box: Box, patch: Box, label: int, counts: bool
) -> None:
    store.delete_tree(memory_store)
    voxels = bodies(13)
    volume, index = filled(memory_store / "labels", voxels), memory_store / "index"
    index_all(volume, index)
    voxels[patch.slices] = label
    volume.write(patch, voxels[patch.slices]).result()
    found = labels_in_box(volume, index, box, counts=counts)
    assert_exact(found, voxels, box)
    written = set(patch.cells(SHARD)) & set(box.cells(SHARD))
    assert set(found.stale_shards) == written
    for cell in written:
        index_shard(volume, cell, index)
    assert labels_in_box(volume, index, box).stale_shards == ()


def test_a_shard_written_whole_is_seen(lake: StoreURL) -> None:
    voxels = bodies(14)
    volume = filled(lake / "labels", voxels)
    index_all(volume, lake / "index")
    part = volume.shard_box((1, 0, 1))
    voxels[part.slices] = np.where(voxels[part.slices] == 0, np.uint64(99), np.uint64(0))
    write_shard(volume, (1, 0, 1), voxels[part.slices])
    found = labels_in_box(volume, lake / "index", volume.box, counts=True)
    assert_exact(found, voxels, volume.box)
    assert found.stale_shards == ((1, 0, 1),)


def test_a_shard_that_became_background_has_no_labels(lake: StoreURL) -> None:
    voxels = bodies(15)
    volume = filled(lake / "labels", voxels)
    index_all(volume, lake / "index")
    voxels[volume.shard_box((0, 0, 0)).slices] = 0
    left = write_shard(volume, (0, 0, 0), np.zeros(SHARD, np.uint64))
    found = labels_in_box(volume, lake / "index", volume.box, counts=True)
    assert_exact(found, voxels, volume.box)
    # On S3 an object without chunks is left, which is of no sidecar.
    assert found.stale_shards == (() if left is None else ((0, 0, 0),))


def test_without_any_index_answers_are_exact(lake: StoreURL) -> None:
    voxels, box = bodies(16), Box((1, 2, 3), (20, 21, 22))
    volume = filled(lake / "labels", voxels)
    found = labels_in_box(volume, lake / "index", box, counts=True)
    assert_exact(found, voxels, box)
    assert found.stale_shards == tuple(box.cells(SHARD))
    assert found.chunks_read == 0


@pytest.mark.parametrize(
    "damage", ["garbage", "truncated", "empty", "of another shard", "of another geometry"]
)
def test_a_damaged_sidecar_is_not_believed(lake: StoreURL, damage: str) -> None:
    voxels, index, cell = bodies(17), lake / "index", (0, 1, 0)
    volume = filled(lake / "labels", voxels)
    index_all(volume, index)
    body = store.read(sidecar_url(index, cell)).body
    origin, other = decode(body).origin, decode(store.read(sidecar_url(index, (0, 0, 0))).body)
    # These two carry the right ETag: on S3, shards of equal bytes have equal ones.
    moved = other.origin.model_copy(update={"etag": origin.etag})
    resized = origin.model_copy(update={"chunk": (8, 4, 8)})
    bodies_of = {
        "garbage": b"\0" * len(body),
        "truncated": body[: len(body) // 2],
        "empty": b"",
        "of another shard": encode(Sidecar(moved, other.rows)),
        "of another geometry": encode(Sidecar(resized, other.rows)),
    }
    store.write(sidecar_url(index, cell), bodies_of[damage])
    found = labels_in_box(volume, index, volume.box, counts=True)
    assert_exact(found, voxels, volume.box)
    assert found.stale_shards == (cell,)


def test_a_store_that_fails_is_not_a_box_without_labels(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, dead = filled(lake / "labels", bodies(18)), dead_store(monkeypatch)
    index_all(volume, lake / "index")
    box = Box((0, 0, 0), (2, 2, 2))
    with pytest.raises(StoreError):
        labels_in_box(volume, dead, box)
    with pytest.raises(StoreError):
        labels_in_box(replace(volume, url=dead), lake / "index", box)


def test_boxes_that_cannot_be_asked(indexed: tuple[Volume, StoreURL], lake: StoreURL) -> None:
    volume, index = indexed
    assert labels_in_box(volume, index, Box((5, 5, 5), (5, 9, 9))).labels.tolist() == []
    for box in (Box((0, 0, 0), (24, 29, 31)), Box((-1, 0, 0), (2, 2, 2))):
        with pytest.raises(OutOfBoundsError):
            labels_in_box(volume, index, box)
    image = new_volume(lake, dtype="float32")
    with pytest.raises(UnsupportedError):
        labels_in_box(image, index, image.box)


def test_an_empty_volume_has_no_labels(lake: StoreURL) -> None:
    volume = new_volume(lake / "labels")
    found = labels_in_box(volume, lake / "index", volume.box, counts=True)
    assert found.labels.tolist() == []
    assert found.stale_shards == ()


@pytest.mark.parametrize("is_loaded", [True, False])
def test_bytes_that_come_back_on_s3_are_no_second_state(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch, *, is_loaded: bool
) -> None:
    assert s3_store.endpoint is not None
    monkeypatch.setattr(loading._LOADING, "is_done", is_loaded)
    volume, index = new_volume(s3_store / "labels"), s3_store / "index"
    box = Box((1, 1, 1), (7, 11, 15))
    states = [np.full(SHARD, label, np.uint64) for label in (1, 2)]
    write_shard(volume, (0, 0, 0), states[0])
    index_shard(volume, (0, 0, 0), index)
    key = volume.shard_url((0, 0, 0)).key
    left = [("GET range", 1), ("HEAD", 0)]

    def write_between(request: Request) -> None:
        """Write another state when a part of the shard is asked for, and the first again later."""
        if left and request.key.endswith(key) and request.kind == left[0][0]:
            write_shard(volume, (0, 0, 0), states[left.pop(0)[1]])

    with s3_proxy(s3_store.endpoint) as proxy:
        proxy.choose = write_between
        asked = open_volume(replace(volume.url, endpoint=proxy.endpoint))
        found = labels_in_box(asked, replace(index, endpoint=proxy.endpoint), box, counts=True)
    assert not left  # both were written
    assert_exact(found, np.ones(SHARD, np.uint64), box)


def test_an_answer_is_true_of_one_state_of_a_shard_while_it_is_written(
    any_store: StoreURL,
) -> None:
    lake, box = any_store, Box((1, 1, 1), (7, 11, 15))
    volume, index = new_volume(lake / "labels"), lake / "index"
    states = [np.full(SHARD, label, np.uint64) for label in (1, 2)]
    # In each state one label fills all chunks, so that a mixed answer would have both.
    write_shard(volume, (0, 0, 0), states[0])
    index_shard(volume, (0, 0, 0), index)
    stop = threading.Event()

    def flip() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            write_shard(volume, (0, 0, 0), states[turn % 2])
            if turn % 3 == 0:
                index_shard(volume, (0, 0, 0), index)

    writer = threading.Thread(target=flip)
    writer.start()
    try:
        answers = [labels_in_box(volume, index, box, counts=True) for _ in range(60)]
    finally:
        stop.set()
        writer.join()
    seen = {tuple(answer.labels.tolist()) for answer in answers}
    assert seen == {(1,), (2,)}
    for answer in answers:
        assert answer.voxels is not None
        assert answer.voxels.tolist() == [box.size]
