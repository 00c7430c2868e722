"""A dataset that is purged: what went is counted, and that nothing is left is looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import remove_dataset
from voxlake.ngff.storage import deleted
from voxlake.ngff.storage.deleted import folders_of, purge_dataset
from voxlake.platform import store
from voxlake.platform.errors import StoreError
from voxlake.platform.names import DatasetName
from voxlake.platform.store.s3.multipart import s3_client

if TYPE_CHECKING:
    from voxlake.platform.store import ObjectInfo, StoreURL

EM = Place(DatasetName("lab", "brain", "em"), Kind.IMAGE)
KEYS = (
    "em.ome.zarr/zarr.json",
    "em.ome.zarr/0/c/0/0/0",
    "em.ome.zarr/labels/cells/0/c/0/0/0",
    "em.index/cells/manifest/1.json",
    "em.stale/0-1_0-1_0-1.01",
)


def _fill(lake: StoreURL) -> None:
    for key in (*KEYS, "em2.ome.zarr/zarr.json", "em.index2/x"):
        store.write(lake / "lab/brain" / key, b'{"a": 1}')


def test_what_went_is_counted_and_what_lies_beside_stays(any_store: StoreURL) -> None:
    _fill(any_store)
    purged = purge_dataset(any_store, EM)
    below = "lab/brain/em"
    assert purged.folders == (f"{below}.ome.zarr", f"{below}.index", f"{below}.stale")
    assert (purged.objects, purged.bytes) == (len(KEYS), 8 * len(KEYS))
    assert not purged.keeps_versions
    left = {info.url.key.rpartition("lab/brain/")[2] for info in store.walk(any_store)}
    assert left == {"em2.ome.zarr/zarr.json", "em.index2/x"}
    again = purge_dataset(any_store, EM)
    assert (again.objects, again.bytes) == (0, 0)


def test_what_is_registered_in_place_stays(any_store: StoreURL) -> None:
    _fill(any_store)
    place = replace(EM, group=".voxlake/registered/7.ome.zarr", elsewhere="https://example.org/em")
    store.write(any_store / place.index_key / "x", b"index")
    purged = purge_dataset(any_store, place)
    assert (purged.folders, purged.objects) == ((place.index_key,), 1)
    assert store.exists(any_store / "lab/brain/em.ome.zarr/zarr.json")


def walk(folder: StoreURL) -> list[ObjectInfo]:
    return [] if folder.is_local and not folder.path.exists() else list(store.walk(folder))


@pytest.mark.parametrize("key", KEYS)
def test_what_is_written_meanwhile_is_seen(
    any_store: StoreURL, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    _fill(any_store)
    times = 0

    def remove_beside_a_writer(lake: StoreURL, place: Place) -> None:
        nonlocal times
        remove_dataset(lake, place)
        times += 1
        if times <= writes:
            store.write(lake / "lab/brain" / key, b"late")

    monkeypatch.setattr(deleted, "remove_dataset", remove_beside_a_writer)
    writes = 2
    purge_dataset(any_store, EM)
    assert [found for folder in folders_of(any_store, EM) for found in walk(folder)] == []
    times, writes = 0, 9
    with pytest.raises(StoreError, match=r"something is written to what is deleted of lab/brain"):
        purge_dataset(any_store, EM)


def test_a_bucket_that_keeps_versions_is_told(s3_store: StoreURL) -> None:
    lake = replace(s3_store, root=f"kept-{s3_store.key[:16]}", key="lake")
    client = s3_client(lake)
    client.create_bucket(Bucket=lake.root)
    client.put_bucket_versioning(Bucket=lake.root, VersioningConfiguration={"Status": "Enabled"})
    _fill(lake)
    purged = purge_dataset(lake, EM)
    assert (purged.keeps_versions, purged.objects) == (True, len(KEYS))
    kept = client.list_object_versions(Bucket=lake.root, Prefix="lake/lab/brain/em.ome.zarr/")
    assert kept["Versions"]
