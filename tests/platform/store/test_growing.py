"""Objects that are written piece by piece: whole or not at all, in a folder and on S3."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.platform import store
from voxlake.platform.errors import (
    LimitExceededError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
)
from voxlake.platform.store import StoreURL, objects
from voxlake.platform.store.local.lock import FileLock
from voxlake.platform.store.process import prepare_process


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@settings(max_examples=20)
@given(
    pieces=st.lists(st.lists(st.binary(max_size=9), max_size=5), max_size=4),
    head=st.binary(max_size=7),
)
def test_an_object_is_its_head_and_its_pieces(
    any_store: StoreURL, pieces: list[list[bytes]], head: bytes
) -> None:
    url = any_store / "folder/object"
    made = store.grow(url)
    made.append([bytes(len(head))])
    for some in pieces:
        made.append(some)
    body = head + b"".join(piece for some in pieces for piece in some)
    assert made.size == len(body)
    if not body:
        made.discard()
        return
    etag = made.commit(head)
    found = store.read(url)
    assert found.body == body
    assert found.etag == etag


def test_nothing_appears_before_the_commit_nor_after_a_discard(
    any_store: StoreURL, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools = tmp_path_factory.mktemp("spools")
    monkeypatch.setenv("VOXLAKE_SPOOL_DIR", str(spools))
    url = any_store / "folder/object"
    made = store.grow(url)
    made.append([b"abc", memoryview(b"def")])
    with pytest.raises(ObjectNotFoundError):
        store.read(url)
    made.discard()
    with pytest.raises(ObjectNotFoundError):
        store.read(url)
    assert not list(spools.rglob("voxlake-spool-*"))
    if url.is_local:
        assert files_of(any_store.path) == []


def test_more_pieces_than_the_system_takes_at_a_time(lake: StoreURL) -> None:
    pieces = [bytes([n % 256]) * (n % 3) for n in range(5000)]
    made = store.grow(lake / "object")
    made.append(pieces)
    made.commit()
    assert store.read(lake / "object").body == b"".join(pieces)


def test_thousands_may_be_in_the_making(lake: StoreURL, spools: Path) -> None:
    made = [store.grow(lake / str(n)) for n in range(3000)]
    for one in made:
        one.append([b"x"])
    for one in made:
        one.discard()
    assert (files_of(lake.path) if lake.is_local else [*spools.rglob("voxlake-spool-*")]) == []


def test_a_full_disk_is_told_and_leaves_nothing(small_folder: Path) -> None:
    made = store.grow(StoreURL.parse(str(small_folder)) / "object")
    with pytest.raises(StoreFullError):
        made.append([bytes(1 << 19)] * 3)
    made.discard()
    assert files_of(small_folder) == []


@pytest.fixture
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's spools; nothing was spooled yet."""
    monkeypatch.setenv("VOXLAKE_SPOOL_DIR", str(tmp_path))
    prepare_process.cache_clear()
    return tmp_path / f"voxlake-{os.getuid()}"


def test_spools_are_of_their_user_alone(
    tmp_path: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for chosen in (None, tmp_path / "chosen"):
        if chosen:
            monkeypatch.setenv("VOXLAKE_SPOOL_DIR", str(chosen))
        prepare_process.cache_clear()
        folder = (chosen or tmp_path / "temporary") / f"voxlake-{os.getuid()}"
        folder.mkdir(parents=True, mode=0o777)
        made = store.grow(s3_store / "object")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
        made.discard()
        assert list(folder.glob("voxlake-spool-*")) == []


_SPOOLING = """
import os, sys, time
from voxlake.platform import store
from voxlake.platform.store import StoreURL
made = store.grow(StoreURL.parse("s3://bucket/object"))
made.append([b"voxels"])
print("made", flush=True)
time.sleep(600)
"""


def test_spools_of_others_stay_while_they_live(
    spools: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their pid is: that of a process of another container says nothing here."""
    with subprocess.Popen([sys.executable, "-c", _SPOOLING], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"made\n"
        monkeypatch.setattr("psutil.pid_exists", lambda _: False)
        (theirs,) = spools.glob("voxlake-spool-*")
        made = store.grow(s3_store / "object")
        assert theirs.read_bytes() == b"voxels"
        other.kill()
    made.discard()
    assert theirs.exists()


@pytest.mark.parametrize("pid", ["ended", "taken"])
def test_no_spool_of_a_killed_process_stays(
    spools: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch, pid: str
) -> None:
    with subprocess.Popen([sys.executable, "-c", _SPOOLING], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    monkeypatch.setattr("psutil.pid_exists", lambda _: pid == "taken")
    (spools / f"voxlake-spool-{os.getpid()}-abc").touch()  # as others were named, of any age
    made = store.grow(s3_store / "object")
    assert len(list(spools.glob("voxlake-spool-*"))) == 1
    assert len(list(spools.iterdir())) == 2
    made.discard()


def test_a_lock_is_swept_by_who_holds_it(
    spools: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its process, which has made it and waits, would take it and lose its first spool."""
    spools.mkdir(mode=0o700)
    lock = spools / f"{'a' * 32}.lock"
    lock.touch(0o600)
    unlink, swept = Path.unlink, list[Path]()

    def unlink_held(path: Path, *, missing_ok: bool = False) -> None:
        if path == lock:
            swept.append(path)
            with pytest.raises(BlockingIOError):
                FileLock(lock, wait=False)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink_held)
    store.grow(s3_store / "object").discard()
    assert swept == [lock]
    assert not lock.exists()


def test_a_lock_that_was_swept_before_it_was_taken_is_made_again(
    spools: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch, made = Path.touch, list[Path]()

    def touch_and_lose(path: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        touch(path, mode, exist_ok)
        if path.suffix == ".lock":
            made.append(path)
            if len(made) == 1:
                path.unlink()

    monkeypatch.setattr(Path, "touch", touch_and_lose)
    store.grow(s3_store / "object").discard()
    assert len(made) == 2
    assert made[1] in spools.iterdir()


def test_processes_that_begin_at_once_keep_their_spools(spools: Path) -> None:
    words = [sys.executable, "-c", _SPOOLING]
    with ExitStack() as ending:
        others = list[subprocess.Popen[bytes]]()
        for _ in range(4):
            others.append(ending.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE)))
            ending.callback(others[-1].kill)
        for other in others:
            assert other.stdout is not None
            assert other.stdout.readline() == b"made\n"
        assert len(list(spools.glob("voxlake-spool-*"))) == len(others)


def test_what_is_too_large_for_one_request_is_refused(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "MOST_PUT", 5)
    made = store.grow(s3_store / "object")
    made.append([b"voxels"])
    with pytest.raises(LimitExceededError, match="6 bytes, and stores take 5"):
        made.commit(turn=nullcontext(""))
    assert not store.exists(s3_store / "object")


@pytest.mark.parametrize("way", ["somebody else's", "link", "file"])
def test_what_is_no_folder_of_this_user_holds_no_spools(
    tmp_path: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    user = os.getuid() + (way == "somebody else's")
    monkeypatch.setattr(os, "getuid", lambda: user)
    monkeypatch.setenv("VOXLAKE_SPOOL_DIR", str(tmp_path))
    prepare_process.cache_clear()
    folder = tmp_path / f"voxlake-{user}"
    if way == "link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    elif way == "file":
        folder.touch()
    else:
        folder.mkdir(mode=0o777)
    with pytest.raises(StoreError):
        store.grow(s3_store / "object")
