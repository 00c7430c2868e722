"""Objects that are written piece by piece: whole or not at all, in a folder and on S3."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError, StoreError, StoreFullError
from voxlake.platform.store import StoreURL, growing
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


def test_nothing_appears_before_the_commit_nor_after_a_discard(any_store: StoreURL) -> None:
    url = any_store / "folder/object"
    made = store.grow(url)
    made.append([b"abc", memoryview(b"def")])
    with pytest.raises(ObjectNotFoundError):
        store.read(url)
    made.discard()
    with pytest.raises(ObjectNotFoundError):
        store.read(url)
    assert not list(Path(tempfile.gettempdir()).rglob(f"{growing._SPOOL}{os.getpid()}-*"))
    if url.is_local:
        assert files_of(any_store.path) == []


def test_more_pieces_than_the_system_takes_at_a_time(lake: StoreURL) -> None:
    pieces = [bytes([n % 256]) * (n % 3) for n in range(5000)]
    made = store.grow(lake / "object")
    made.append(pieces)
    made.commit()
    assert store.read(lake / "object").body == b"".join(pieces)


def test_thousands_may_be_in_the_making(lake: StoreURL) -> None:
    made = [store.grow(lake / str(n)) for n in range(3000)]
    for one in made:
        one.append([b"x"])
    for one in made:
        one.discard()
    assert files_of(lake.path) == []


def test_a_full_disk_is_told_and_leaves_nothing(small_folder: Path) -> None:
    made = store.grow(StoreURL.parse(str(small_folder)) / "object")
    with pytest.raises(StoreFullError):
        made.append([bytes(1 << 19)] * 3)
    made.discard()
    assert files_of(small_folder) == []


def test_spools_are_of_their_user_alone_and_none_of_a_killed_process_stays(
    tmp_path: Path, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for chosen in (None, tmp_path / "chosen"):
        if chosen:
            monkeypatch.setenv("VOXLAKE_SPOOL_DIR", str(chosen))
        prepare_process.cache_clear()
        folder = (chosen or tmp_path / "temporary") / f"voxlake-{os.getuid()}"
        folder.mkdir(parents=True, mode=0o777)
        (folder / f"{growing._SPOOL}{ended.pid}-abc").touch()
        made = store.grow(s3_store / "object")
        (spool,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(spool.stat().st_mode) == 0o600
        made.discard()
        assert files_of(folder) == []


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
