"""The cache on a disk: what it gives is whole and of its key, and it keeps to its room."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.ngff.memory.disk import DiskCache
from voxlake.platform.errors import StoreError
from voxlake.platform.store.local.partial import partial_path

if TYPE_CHECKING:
    from pathlib import Path

ROOM = 1 << 20


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return opened(tmp_path / "cache")


def opened(folder: Path, limit_bytes: int = ROOM) -> DiskCache:
    cache = DiskCache()
    cache.open(folder, limit_bytes)
    return cache


def got(cache: DiskCache, key: str) -> bytes | None:
    body = cache.get(key)
    return None if body is None else bytes(body)


def size(cache: DiskCache) -> int:
    found = 0
    for path in files(cache):
        with suppress(FileNotFoundError):  # it was deleted just then
            found += path.stat().st_size
    return found


def files(cache: DiskCache) -> list[Path]:
    assert cache.folder is not None
    return [path for path in cache.folder.rglob("*") if path.is_file()]


def test_what_was_put_is_there_for_all_processes_and_nothing_else(cache: DiskCache) -> None:
    folder = cache.folder
    assert folder is not None
    cache.put("a", b"one")
    cache.put("b", b"")
    cache.keep([("c", memoryview(b"three"))])
    cache.close()
    assert not cache.is_open
    again = opened(folder)
    assert again.get_all("abcd") == [b"one", b"", b"three", None]
    assert (again.hits, again.misses) == (3, 1)
    assert folder.stat().st_mode & 0o77 == 0


def test_what_is_torn_or_damaged_is_not_there(cache: DiskCache) -> None:
    cache.put("a", b"some bytes")
    [path] = files(cache)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert cache.get("a") is None
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert cache.get("a") is None
    path.write_bytes(whole)
    assert got(cache, "a") == b"some bytes"


def test_a_file_of_another_key_is_not_taken_for_this_one(cache: DiskCache) -> None:
    cache.put("a", b"of a")
    [path] = files(cache)
    cache.put("b", b"of b")
    [other] = set(files(cache)) - {path}
    other.write_bytes(path.read_bytes())
    assert cache.get("b") is None


def test_two_processes_fill_no_more_than_there_is_room(cache: DiskCache) -> None:
    assert cache.folder is not None
    both = cache, opened(cache.folder)
    body, sizes = bytes(1000), np.zeros(1, int)
    cache.put("wanted", body)

    def put(number: int) -> None:
        for count in range(2000):
            both[number].put(f"{number} {count}", body)
            assert got(cache, "wanted") == body  # what is used stays
            if count % 50 == 0:
                sizes[0] = max(sizes[0], size(cache))

    threads = [Thread(target=put, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ROOM // 2 < sizes[0] <= ROOM
    assert got(cache, "wanted") == body
    assert sum(each.evictions for each in both) > 3000


def test_what_would_take_all_room_is_not_kept(cache: DiskCache) -> None:
    cache.put("a", bytes(ROOM // 32))
    assert files(cache) == []


def test_a_smaller_room_is_made_when_it_is_opened(cache: DiskCache) -> None:
    for number in range(500):
        cache.put(str(number), bytes(1000))
    assert cache.folder is not None
    smaller = opened(cache.folder, ROOM // 4)
    assert size(smaller) <= ROOM // 4


def test_a_full_disk_is_no_error(small_folder: Path) -> None:
    cache = opened(small_folder / "cache", 1 << 30)
    for number in range(200):
        cache.put(str(number), bytes(20_000))
    assert cache.failures > 0
    assert got(cache, "0") == bytes(20_000)
    assert not any(path.name.endswith(".partial") for path in files(cache))


def test_what_a_killed_process_left_is_swept(cache: DiskCache) -> None:
    cache.put("a", b"one")
    [path] = files(cache)
    left = partial_path(path)
    dead = left.with_name(left.name.replace(f"-{left.name.split('-')[1]}-", "-4194304-"))
    for each in (left, dead):
        each.write_bytes(b"half")
    assert cache.folder is not None
    assert set(files(opened(cache.folder))) == {path, left}


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, read_only_folder: Path) -> None:
    (tmp_path / "cache").write_bytes(b"no folder")
    with pytest.raises(StoreError, match="somebody else"):
        opened(tmp_path / "cache")
    with pytest.raises(StoreError, match="VOXLAKE_CACHE_DIR"):
        opened(read_only_folder / "cache")
