"""Segments and covers: read as they were written, damage found, one request a look-up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from tests.ngff.labels.scenes import new_scene
from tests.servers.s3_proxy import s3_proxy

from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments import cover, segment_file
from voxlake.ngff.labels.segments.manifest import Segment
from voxlake.ngff.labels.segments.publishing import write_segment
from voxlake.ngff.labels.segments.rows import SegmentRows
from voxlake.ngff.labels.segments.segment_file import FILES, encode_file
from voxlake.ngff.labels.state import ask_in_force, find_rows_in_force, in_force
from voxlake.ngff.memory.cache import Cache, Cached
from voxlake.ngff.versioned.sorted_file import file_url
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server


def some_rows(count: int, seed: int = 0) -> SegmentRows:
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(1, 1 << 63, max(count // 2, 1), np.uint64))
    start = rng.integers(0, 1 << 40, (count, 3))
    counts = rng.integers(1, 9, count)
    return SegmentRows(
        np.sort(rng.choice(labels, count)),
        np.arange(count, dtype=np.uint64),
        rng.integers(1, 1 << 50, count, np.uint64),
        start,
        start + rng.integers(1, 100, (count, 3)),
        counts,
        rng.integers(0, 1 << 16, int(counts.sum())).astype(np.uint16),
    )


def assert_same(one: SegmentRows, other: SegmentRows) -> None:
    for name in SegmentRows.__slots__:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("count", [1, 100, 20_000])
def test_rows_come_back(memory_store: StoreURL, count: int) -> None:
    rows = some_rows(count)
    segment = write_segment(memory_store, rows, {7: "etag", 3: ""})
    labels = np.unique(rows.labels)
    assert_same(segment_file.find_in_segment(memory_store, segment, labels).ordered(), rows)
    few = labels[:: max(len(labels) // 3, 1)]
    found = segment_file.find_in_segment(memory_store, segment, few).ordered()
    assert_same(found, rows.of_labels(few))
    assert cover.read_cover(memory_store, segment).shards.tolist() == [3, 7]
    assert encode_file(rows) == encode_file(rows)


def test_any_flipped_byte_is_found(memory_store: StoreURL) -> None:
    rows = some_rows(30)
    segment = write_segment(memory_store, rows, {1: "a"})
    url = file_url(memory_store, segment.files[0].ulid)
    body = store.read(url).body
    # The first four bytes are the magic, which nobody reads.
    for place in range(4, len(body), 41):
        ulid = uuid4().hex
        file = segment.files[0].model_copy(update={"ulid": ulid})
        store.write(
            file_url(memory_store, ulid),
            body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :],
        )
        damaged = Segment(cover=segment.cover, shards=1, files=(file,))
        with pytest.raises(CorruptDataError, match="is damaged"):
            segment_file.find_in_segment(memory_store, damaged, np.unique(rows.labels))
    cover.write_cover(memory_store, "torn", cover.cover_of({1: "a", 5: "b"}))
    url = cover.cover_url(memory_store, "torn")
    body = store.read(url).body
    store.write(url, body[:20] + bytes([body[20] ^ 1]) + body[21:])
    with pytest.raises(CorruptDataError, match="damaged"):
        cover.read_cover(memory_store, Segment(cover="torn", shards=2, files=()))


def test_a_warm_look_up_is_one_range_request(
    s3_store: StoreURL, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = new_scene(s3_store)
    scene.compact()
    with s3_proxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("VOXLAKE_S3_ENDPOINT", proxy.endpoint)
        index = StoreURL(s3_store.scheme, s3_store.root, scene.index.key, proxy.endpoint)
        wanted = np.array([1, 3], np.uint64)
        view = in_force(Labels(scene.volume, index))
        find_rows_in_force(view, wanted)
        nothing_kept = replace(FILES, groups=Cached[SegmentRows]("none", Cache(0)))
        monkeypatch.setattr(segment_file, "FILES", nothing_kept)
        proxy.requests.clear()
        assert len(find_rows_in_force(view, wanted))
        assert proxy.found == {"GET range": 1}
        proxy.requests.clear()
        ask_in_force(Labels(scene.volume, index), lambda view: find_rows_in_force(view, wanted))
        # Besides, the listings of markers and manifests.
        assert proxy.found == {"GET range": 1, "LIST": 2}


@pytest.mark.parametrize("seed", range(12))
def test_rows_of_several_sorted_pieces_are_put_in_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = some_rows(200, seed)
    labels = rng.integers(1, (5, 60, 1 << 40)[seed % 3], 200, np.uint64)
    shards = rng.permutation(200).astype(np.uint64)
    pieces = np.array_split(np.arange(200), seed % 5 + 1)
    sorted_ = [piece[np.lexsort((shards[piece], labels[piece]))] for piece in pieces]
    lines = np.concatenate(sorted_)
    mixed = replace(rows, labels=labels, shards=shards).take(lines)
    expected = mixed.take(np.lexsort((mixed.shards, mixed.labels)))
    assert_same(mixed.ordered(), expected)
    assert_same(expected.ordered(), expected)
    listed = [chunks.tolist() for chunks in np.split(mixed.chunks, np.cumsum(mixed.chunk_counts))]
    order = np.lexsort((mixed.shards, mixed.labels))
    assert expected.chunks.tolist() == [chunk for line in order for chunk in listed[line]]
