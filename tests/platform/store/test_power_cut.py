"""What was answered is on the disk: bytes, names, and the folders that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.servers.disk import StrictDisk

from voxlake.platform import store
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL

pytestmark = pytest.mark.folder

KEY = "collection/experiment/em.ome.zarr/0/c/3/1/4"


@pytest.fixture
def disk(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> StrictDisk:
    made = StrictDisk(lake.path)
    made.watch(monkeypatch)
    return made


def _grown(url: StoreURL, body: bytes) -> None:
    growing = store.grow(url)
    growing.append([body[:3], body[3:]])
    growing.commit()


WRITES: dict[str, Callable[[StoreURL, bytes], object]] = {
    "write": store.write,
    "create": store.create,
    "grow": _grown,
    "update": lambda url, body: update(url, lambda _: body),
}


@pytest.mark.parametrize("name", WRITES)
def test_an_object_that_was_written_is_there_after_a_power_cut(
    disk: StrictDisk, lake: StoreURL, name: str
) -> None:
    """In folders that were made for it, and beside others."""
    WRITES[name](lake / KEY, b"voxels")
    assert disk.left() == {KEY: b"voxels"}
    WRITES[name](lake / f"{KEY}.json", b"others")
    assert disk.left() == {KEY: b"voxels", f"{KEY}.json": b"others"}
    if name != "create":
        WRITES[name](lake / KEY, b"newer voxels")
        assert disk.left()[KEY] == b"newer voxels"


def test_what_can_be_made_again_may_be_lost(disk: StrictDisk, lake: StoreURL) -> None:
    store.write(lake / KEY, b"old")
    store.write_derived(lake / KEY, b"new")
    assert store.read(lake / KEY).body == b"new"
    assert disk.left() == {KEY: b"old"}


def test_what_was_deleted_does_not_come_back(disk: StrictDisk, lake: StoreURL) -> None:
    store.write(lake / "a/b/one", b"1")
    store.write(lake / "a/b/two", b"2")
    store.delete(lake / "a/b/one")
    assert disk.left() == {"a/b/two": b"2"}
    store.delete_tree(lake / "a/b")
    assert disk.left() == {}


def test_a_power_cut_within_a_write_leaves_the_old_object(
    disk: StrictDisk, lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is never seen without its bytes: they are synced before it is given."""
    store.write(lake / KEY, b"old")
    seen = []
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: seen.append(disk.left()))
    store.write(lake / KEY, b"new")
    assert [left[KEY] for left in seen] == [b"old"]
