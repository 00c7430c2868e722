"""Locks of a local store: they exclude, they wait, and they go with their owner."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from voxlake.platform import store
from voxlake.platform.store import FileLock, StoreURL, empty_abandoned
from voxlake.platform.store.local import lock
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "zarr.json"
    path.write_bytes(b"{}")
    return path


@pytest.fixture(params=[True, False], ids=["bytes", "whole file"])
def by_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(lock, "BYTE_RANGES", request.param)
    return bool(request.param)


@pytest.mark.usefixtures("by_bytes")
def test_a_lock_excludes_until_it_is_released(file: Path) -> None:
    first = FileLock(file, [5, 3])
    with pytest.raises(BlockingIOError):
        FileLock(file, [5], wait=False)
    first.release()
    first.release()
    FileLock(file, [5], wait=False).release()
    assert file.read_bytes() == b"{}"


def test_other_bytes_are_free(file: Path) -> None:
    first = FileLock(file, [1 << 40])
    FileLock(file, [0, (1 << 40) + 1], wait=False).release()
    first.release()


@pytest.mark.usefixtures("by_bytes")
def test_who_waits_goes_on_when_the_owner_is_killed(file: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from voxlake.platform.store import FileLock\n"
        "kept = FileLock(Path(sys.argv[1])); print('locked', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"locked\n"
        # flock and byte locks do not see one another: only the latter are held by that process.
        if lock.BYTE_RANGES:
            with pytest.raises(BlockingIOError):
                FileLock(file, wait=False)
        threading.Timer(0.3, owner.send_signal, [signal.SIGKILL]).start()
        began = time.monotonic()
        FileLock(file).release()
        assert time.monotonic() - began < 10


def test_a_file_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "gone")


def test_updates_from_many_threads_are_all_made(lake: StoreURL) -> None:
    """The first of them make the object, and each of the others puts another in its place."""
    url = lake / "labels" / "zarr.json"

    def add(number: int) -> None:
        update(url, lambda body: (body or b"") + bytes([number]))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.read(url).body) == list(range(16))
    assert [each.url.name for each in store.walk(lake)] == ["zarr.json"]


@pytest.mark.folder
def test_what_a_killed_writer_left_is_no_part_of_an_update(lake: StoreURL) -> None:
    update(lake / "list", lambda _: b"old")
    (lake.path / "list.__lock").write_bytes(b"the rest of a longer list")
    update(lake / "list", lambda _: b"new")
    assert (lake / "list").path.read_bytes() == b"new"


@pytest.mark.folder
def test_only_what_is_abandoned_is_emptied(lake: StoreURL) -> None:
    path = lake.path / "0.__lock"
    empty_abandoned(path)
    assert not path.exists()
    path.write_bytes(b"being written")
    owner = FileLock(path)
    empty_abandoned(path)
    assert path.read_bytes() == b"being written"
    owner.release()
    empty_abandoned(path)
    assert path.read_bytes() == b""
