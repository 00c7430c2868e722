"""Labels that were copied: the index knows the shards again by their bytes, and only by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.ngff.labels.samples import bodies, filled

from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.shards import chunk_codec
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import StoreReadOnlyError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.platform.store import StoreURL


def _indexed(lake: StoreURL, voxels: npt.NDArray[Any]) -> None:
    volume = filled(lake / "labels", voxels)
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, lake / "index")
    labels = Labels(volume, lake / "index")
    audit(labels)
    compact(labels)


def _copied(lake: StoreURL, to: StoreURL) -> Labels:
    for info in store.walk(lake):
        below = info.url.key.removeprefix(f"{lake.key}/" if lake.key else "")
        store.write(to / below, store.read(info.url).body)
    return Labels(open_volume(to / "labels"), to / "index")


@pytest.mark.parametrize(
    ("place", "to"), [("lake", "lake"), ("lake", "s3_store"), ("s3_store", "lake")]
)
def test_a_copy_keeps_its_index(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, place: str, to: str
) -> None:
    voxels = bodies(3)
    before, after = (request.getfixturevalue(each) / str(n) for n, each in enumerate((place, to)))
    _indexed(before, voxels)
    labels = _copied(before, after)
    reads: list[StoreURL] = []
    read = store.read_if_there

    def counted(url: StoreURL) -> Any:
        reads.append(url)
        return read(url)

    def fail(*_: object) -> None:
        raise AssertionError("a chunk was decoded")

    monkeypatch.setattr(chunk_codec, "decode_chunks", fail)
    monkeypatch.setattr("voxlake.ngff.labels.scan.stored.unpack_chunks", fail)
    monkeypatch.setattr(store, "read_if_there", counted)
    for _ in range(2):
        found = labels.in_box(labels.volume.box)
        assert found.labels.tolist() == np.unique(voxels[voxels != 0]).tolist()
    status = index_status(labels)
    assert (status.stale, status.missing) == (0, 0)
    shards = [url for url in reads if "/c/" in url.key]
    assert len(shards) == status.shards  # each once: it is not read again for each question
    CACHE.clear()  # nor by another process
    assert index_status(labels) == status
    assert len([url for url in reads if "/c/" in url.key]) == status.shards


def test_an_audit_of_a_copy_finds_what_others_wrote_and_no_copies(lake: StoreURL) -> None:
    _indexed(lake / "a", bodies(3))
    _copied(lake / "a", lake / "b")
    labels = _copied(lake / "b", lake / "c")
    volume = labels.volume
    assert audit(labels).marked == ()
    CACHE.clear()
    # The sidecars have the copy's ETags by now, and the segments those of the first.
    assert audit(labels).marked == ()
    again = _copied(lake / "c", lake / "d")
    assert audit(again).marked == ()
    written, emptied, unknown, *_ = volume.box.cells(volume.shard)
    volume.array[volume.shard_box(written).slices].write(np.uint64(99)).result()
    store.delete(volume.shard_url(emptied))
    store.delete(sidecar_url(labels.index_url, unknown))
    # What no sidecar tells of is not known to be a copy, but by its ETag, on S3 that of its bytes.
    assert audit(labels).marked == (written, emptied, *([unknown] if lake.is_local else []))
    labels = _copied(lake / "c", lake / "e")
    compact(labels)
    found, voxels = labels.view().all(), volume.read(volume.box).result()
    assert found.labels.tolist() == np.unique(voxels[voxels != 0]).tolist()
    assert 99 in found.labels


def test_a_copy_that_can_only_be_read_keeps_its_index(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    _indexed(lake / "a", bodies(3))
    labels = _copied(lake / "a", lake / "b")

    def refuse(*_: object) -> str:
        raise StoreReadOnlyError("it can only be read")

    monkeypatch.setattr(store, "replace", refuse)
    for _ in range(2):
        CACHE.clear()
        assert index_status(labels).indexed == index_status(labels).shards


def _one_label(chunk: int, label: int) -> npt.NDArray[np.uint64]:
    voxels = np.zeros((8, 12, 32), np.uint64)
    voxels[:, :, 8 * chunk : 8 * chunk + 8] = label
    return voxels


@pytest.mark.parametrize("other", [(0, 8), (1, 7)], ids=["another id", "another chunk"])
def test_another_state_of_a_shard_is_not_taken_for_a_copy(
    lake: StoreURL, other: tuple[int, int]
) -> None:
    """Of the same size: the ids of a chunk, or its place, are all that differs."""
    _indexed(lake / "a", _one_label(0, 7))
    _indexed(lake / "b", _one_label(*other))
    labels = _copied(lake / "a", lake / "copy")
    changed = lake / "copy" / "labels"
    sizes = []
    for info in store.walk(lake / "b" / "labels"):
        if "/c/" in info.url.key:
            url = changed / info.url.key.partition("b/labels/")[2]
            sizes.append(store.head(url).size == info.size)
            store.write(url, store.read(info.url).body)
    assert all(sizes)
    found = labels.in_box(labels.volume.box)
    assert found.labels.tolist() == [other[1]]
    assert index_status(labels).stale == 1
