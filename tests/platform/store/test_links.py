"""Symbolic links in a folder: listed and deleted, never read, passed through or written behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr

from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import StoreLinkError
from voxlake.platform.store import StoreURL, as_zarr, sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASKING: dict[str, Callable[[StoreURL], object]] = {
    "read": store.read,
    "head": store.head,
    "exists": store.exists,
    "range": lambda url: store.read_range(url, 0, 1),
    "open": store.open_ranges,
    "last": lambda url: store.last_object(url, bool),
    "children": store.list_children,
    "walk": lambda url: list(store.walk(url)),
    "sweep": sweep,
    "array": open_volume,
    "tree": store.delete_tree,
}
CHANGING: dict[str, Callable[[StoreURL], object]] = {
    "write": lambda url: store.write(url, b"new"),
    "create": lambda url: store.create(url / "fresh", b"new"),
    "grow": store.grow,
    "delete": store.delete,
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file, and no store."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> StoreURL:
    """A store in a folder that is itself reached by a link, which its owner named."""
    (tmp_path / "disk/lake/a").mkdir(parents=True)
    (tmp_path / "lake").symlink_to(tmp_path / "disk/lake")
    return StoreURL.parse(str(tmp_path / "lake"))


@pytest.mark.parametrize("way", ASKING)
def test_nothing_is_read_at_or_behind_a_link(lake: StoreURL, outside: Path, way: str) -> None:
    (lake.path / "a/file").symlink_to(outside / "secret")
    (lake.path / "a/folder").symlink_to(outside)
    (lake.path / "a/nothing").symlink_to(outside / "nothing")
    for key in ("a/file", "a/folder", "a/folder/secret", "a/nothing/secret"):
        with pytest.raises(StoreLinkError, match="symbolic link"):
            ASKING[way](lake / key)
    assert (outside / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("way", CHANGING)
def test_nothing_is_changed_behind_a_link(lake: StoreURL, outside: Path, way: str) -> None:
    (lake.path / "a/folder").symlink_to(outside)
    with pytest.raises(StoreLinkError, match="symbolic link"):
        CHANGING[way](lake / "a/folder/secret")
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_link_is_listed_replaced_and_deleted(lake: StoreURL, outside: Path) -> None:
    link, url = lake.path / "a/link", lake / "a/link"
    for remove in (store.delete, lambda url: store.write(url, b"new")):
        link.symlink_to(outside)
        assert store.list_children(lake / "a") == ([], ["link"])
        assert store.list_links(lake / "a") == ["link"]
        assert [info.url for info in store.walk(lake)] == [url]
        remove(url)
        assert not link.is_symlink()
    assert store.read(url).body == b"new"
    assert (outside / "secret").exists()


def test_arrays_that_are_open_follow_no_link_that_comes_later(
    lake: StoreURL, outside: Path
) -> None:
    array = zarr.create_array(as_zarr(lake / "a/0", read_only=False), shape=(8, 8), chunks=(4, 4),
                              dtype="u1")  # fmt: skip
    array[...] = 3
    volume, other = open_volume(lake / "a/0"), zarr.open_array(as_zarr(lake / "a/0"), mode="r")
    shard = lake.path / "a/0/c/1"
    shard.rename(outside / "1")
    shard.symlink_to(outside / "1")
    assert (np.asarray(other[:4]) == 3).all()
    with pytest.raises(StoreLinkError):
        other[...]
    with pytest.raises(StoreLinkError):
        volume.read(volume.box)
    with pytest.raises(StoreLinkError):
        volume.write(volume.box, np.zeros((8, 8), np.uint8))
    followed = zarr.open_array(as_zarr(lake / "a/0", follow_links=True), mode="r")
    assert (np.asarray(followed[...]) == 3).all()


def test_a_file_that_is_replaced_while_it_is_read_is_no_link(lake: StoreURL) -> None:
    url = lake / "a/often"
    store.write(url, b"x")
    reader = store.open_ranges(url)
    store.write(url, b"y")
    assert (reader.read(0, 1), store.read(url).body) == (b"x", b"y")
