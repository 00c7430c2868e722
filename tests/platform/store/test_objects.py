"""Whole objects: on every kind of store, under races, kills, full disks and refusals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.servers.faulty import closed_port, losing_answers
from tests.servers.web import run_web

from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    ObjectExistsError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    UnsupportedError,
)
from voxlake.platform.store import StoreURL, sweep
from voxlake.platform.store.adapters import is_in_tensorstore
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.s3 import S3Server

bodies = st.binary(max_size=300)


@settings(max_examples=20)
@given(body=bodies, cut=st.tuples(st.integers(0, 300), st.integers(1, 300)))
def test_what_is_written_is_read(any_store: StoreURL, body: bytes, cut: tuple[int, int]) -> None:
    url = any_store / "a" / "b"
    etag = store.write(url, body)
    assert store.read(url) == store.Stored(body, etag)
    assert store.head(url) == store.ObjectInfo(url, len(body), etag)
    start = min(cut[0], max(len(body) - 1, 0))
    stop = min(start + cut[1], len(body))
    if start < stop:
        assert store.read_range(url, start, stop) == body[start:stop]


@settings(max_examples=30)
@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_any_key_that_a_url_takes_names_an_object(any_store: StoreURL, name: str) -> None:
    if {".", ".."} & set(name.split("/")) or "\\" in name or not name.strip("/"):
        return
    url = any_store / "keys" / name
    store.write(url, name.encode())
    assert store.read(url).body == name.encode()
    assert url in {info.url for info in store.walk(any_store / "keys")}
    store.delete_tree(any_store / "keys")


def test_the_etag_changes_with_every_content(any_store: StoreURL) -> None:
    etags = [store.write(any_store / "k", body) for body in (b"1", b"2", b"33")]
    assert len(set(etags)) == 3


def test_absent_is_absent(any_store: StoreURL) -> None:
    url = any_store / "no" / "such"
    for ask in (store.read, store.head):
        with pytest.raises(ObjectNotFoundError, match="not there"):
            ask(url)
    with pytest.raises(ObjectNotFoundError):
        store.read_range(url, 0, 1)
    assert (store.read_if_there(url), store.exists(url)) == (None, False)
    store.delete(url)
    store.delete_tree(url)
    assert list(store.walk(url)) == []


def test_reading_a_lake_that_is_not_there_makes_none(tmp_path: Path) -> None:
    lake = StoreURL.parse(str(tmp_path / "typo"))
    with pytest.raises(ObjectNotFoundError, match="typo"):
        store.read(lake / "a")
    with pytest.raises(ObjectNotFoundError, match="typo"):
        store.list_children(lake)
    store.delete(lake / "a")
    assert not (tmp_path / "typo").exists()


def test_a_bucket_that_is_not_there_is_an_error(s3_store: StoreURL) -> None:
    url = StoreURL("s3", "no-such-bucket", "lake", s3_store.endpoint, s3_store.region)
    with pytest.raises((ObjectNotFoundError, StoreError)):
        store.read(url / "a")


def test_wrong_credentials_are_said_to_be_wrong(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="credentials") as caught:
        store.write(s3_store / "a", b"x")
    assert "\n" not in str(caught.value)


def test_a_store_alone_names_no_object() -> None:
    for url in (StoreURL("memory", "m"), StoreURL("s3", "b")):
        with pytest.raises(InvalidInputError, match="no object"):
            store.read(url)


def test_listing(any_store: StoreURL) -> None:
    for key in ("a/1", "a/b/2", "ab/3", "4"):
        store.write(any_store / key, key.encode())
    assert store.list_children(any_store) == (["a", "ab"], ["4"])
    assert store.list_children(any_store / "a") == (["b"], ["1"])
    found = {info.url: info.size for info in store.walk(any_store / "a")}
    assert found == {any_store / "a/1": 3, any_store / "a/b/2": 5}
    store.delete(any_store / "4")
    store.delete_tree(any_store / "a")
    assert [info.url for info in store.walk(any_store)] == [any_store / "ab/3"]


def test_create_never_overwrites(any_store: StoreURL) -> None:
    etag = store.create(any_store / "a" / "b", b"first")
    with pytest.raises(ObjectExistsError, match="already"):
        store.create(any_store / "a" / "b", b"second")
    assert store.read(any_store / "a" / "b") == store.Stored(b"first", etag)


@pytest.fixture(params=[None, 500, 503])
def losing(request: pytest.FixtureRequest, s3_store: StoreURL) -> Iterator[StoreURL]:
    """A store whose first answer to each PUT is lost, though it is done."""
    with losing_answers(str(s3_store.endpoint), request.param) as endpoint:
        yield replace(s3_store, endpoint=endpoint)


def test_an_object_is_created_though_the_answer_is_lost(losing: StoreURL) -> None:
    etag = store.create(losing / "a", b"mine")
    assert store.read(losing / "a") == store.Stored(b"mine", etag)
    with pytest.raises(ObjectExistsError, match="already"):
        store.create(losing / "a", b"another's")
    assert store.read(losing / "a").body == b"mine"


def test_an_object_is_changed_once_though_the_answer_is_lost(losing: StoreURL) -> None:
    def add(name: str) -> None:
        update(
            losing / "list", lambda body: b" ".join(sorted({*(body or b"").split(), name.encode()}))
        )

    for name in ("b", "a", "b"):
        add(name)
    assert store.read(losing / "list").body == b"a b"


def test_racing_changes_of_an_object_are_all_kept(any_store: StoreURL) -> None:
    def add(name: str) -> None:
        update(
            any_store / "list",
            lambda body: b" ".join(sorted({*(body or b"").split(), name.encode()})),
        )

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(add, "abcd"))
    assert store.read(any_store / "list").body == b"a b c d"


def test_what_is_not_created_is_not_believed(s3_store: StoreURL) -> None:
    url = replace(s3_store, endpoint=closed_port())
    with pytest.raises(StoreUnavailableError):
        store.create(url / "a", b"mine")


@pytest.mark.folder
def test_a_link_whose_answer_is_lost(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def link_twice(*paths: Path) -> None:
        link(*paths)
        link(*paths)

    monkeypatch.setattr(os, "link", link_twice)
    store.create(lake / "a", b"mine")
    with pytest.raises(ObjectExistsError, match="already"):
        store.create(lake / "a", b"mine")


CREATE = """
import sys
from voxlake.platform import store
from voxlake.platform.errors import ObjectExistsError
name, *urls = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for url in map(store.StoreURL.parse, urls):
    for key in map(str, range(10)):
        try:
            store.create(url / key, name.encode())
            print(url / key, flush=True)
        except ObjectExistsError:
            pass
"""


def test_of_eight_processes_that_create_one_wins(lake: StoreURL, s3_store: StoreURL) -> None:
    racers = [_start(CREATE, str(number), str(lake), str(s3_store)) for number in range(8)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(8) as threads:
        outputs = [text for text, _ in threads.map(lambda racer: racer.communicate("go\n"), racers)]
    assert [racer.returncode for racer in racers] == [0] * 8
    wins = [(line, winner) for winner, text in enumerate(outputs) for line in text.split()]
    expected = [str(url / str(number)) for url in (lake, s3_store) for number in range(10)]
    assert sorted(url for url, _ in wins) == sorted(expected)
    for url, winner in wins:
        assert store.read(StoreURL.parse(url)).body == str(winner).encode()


def _start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


OVERWRITE = """
import sys
from voxlake.platform import store
url = store.StoreURL.parse(sys.argv[1])
for round in range(1_000_000):
    store.write(url, bytes([round % 251]) * (8 << 20))
"""


@pytest.mark.folder
def test_a_killed_writer_leaves_the_old_object_or_the_new(lake: StoreURL) -> None:
    store.write(lake / "big", b"old" * 100)
    for _ in range(3):
        with _start(OVERWRITE, str(lake / "big")) as writer:
            _stop_inside_a_write(writer, lake.path)
            writer.kill()
        body = store.read(lake / "big").body
        assert body == b"old" * 100 or (len(body) == 8 << 20 and len(set(body)) == 1)
        assert len(sweep(lake)) == 1
        assert [path.name for path in lake.path.iterdir()] == ["big"]


def _stop_inside_a_write(writer: subprocess.Popen[str], folder: Path) -> None:
    """Halt the writer at a moment when it has begun an object and not finished it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if list(folder.glob("*.partial")):
            writer.send_signal(signal.SIGSTOP)
            os.waitpid(writer.pid, os.WUNTRACED)
            if list(folder.glob("*.partial")):
                return
            writer.send_signal(signal.SIGCONT)
    pytest.fail("the writer was never seen inside a write")


@pytest.mark.folder
def test_sweep_takes_leftovers_alone_and_of_an_age(lake: StoreURL) -> None:
    for key in ("em.zarr/c/0", ".hidden", "partial", "a.partial", "x#y"):
        store.write(lake / key, b"data")
    for name in (".0.abc.partial", "0.__lock", "0#1"):
        (lake.path / "em.zarr" / name).write_bytes(b"torn")
    assert sweep(lake, older_than_s=60) == []
    assert {path.name for path in sweep(lake, older_than_s=0)} == {
        ".0.abc.partial",
        "0.__lock",
        "0#1",
    }
    assert len(list(store.walk(lake))) == 5


def test_a_full_disk_is_said_and_leaves_nothing(small_folder: Path) -> None:
    lake = StoreURL.parse(str(small_folder))
    store.write(lake / "old", b"old")
    for attempt in (store.write, store.create):
        with pytest.raises(StoreFullError, match="free some"):
            attempt(lake / "big", bytes(2 << 20))
    with pytest.raises(StoreFullError):
        store.write(lake / "old", bytes(2 << 20))
    assert store.read(lake / "old").body == b"old"
    assert [path.name for path in small_folder.iterdir()] == ["old"]


def test_a_read_only_folder_is_said(read_only_folder: Path) -> None:
    lake = StoreURL.parse(str(read_only_folder))
    for attempt in (store.write, store.create):
        with pytest.raises(StoreReadOnlyError, match="permissions"):
            attempt(lake / "a", b"x")
        with pytest.raises(StoreReadOnlyError):
            attempt(lake / "folder" / "a", b"x")


@pytest.mark.folder
def test_a_file_where_a_folder_has_to_be(lake: StoreURL) -> None:
    store.write(lake / "a", b"x")
    with pytest.raises(ObjectNotFoundError):
        store.read(lake / "a" / "b")
    with pytest.raises(StoreError, match="cannot write"):
        store.write(lake / "a" / "b", b"x")


def test_a_path_that_speaks_of_quotas_is_not_full(tmp_path: Path) -> None:
    folder = tmp_path / "disk quota"
    folder.mkdir()
    (folder / "a").mkdir()
    with pytest.raises(StoreError) as caught:
        store.write(StoreURL.parse(str(folder)) / "a", b"x")
    assert not isinstance(caught.value, StoreFullError)


def test_adapters_see_the_same_objects(any_store: StoreURL) -> None:
    import tensorstore as ts
    import zarr

    zarr.create_group(store.as_zarr(any_store, read_only=False), attributes={"a": 1})
    assert b'"a"' in store.read(any_store / "zarr.json").body
    if not is_in_tensorstore(any_store):
        with pytest.raises(UnsupportedError, match="public"):
            store.as_tensorstore(any_store)
        return
    kvstore = ts.KvStore.open(store.as_tensorstore(any_store)).result()
    assert kvstore.read("zarr.json").result().value == store.read(any_store / "zarr.json").body
    kvstore.write("x/y", b"z").result()
    assert store.read(any_store / "x/y").body == b"z"


def test_a_url_without_endpoint_takes_the_settings(s3_store: StoreURL, s3_server: S3Server) -> None:
    url = StoreURL.parse(f"s3://{s3_store.root}/{s3_store.key}")
    assert url.endpoint == s3_server.endpoint
    store.write(url / "a", b"x")
    assert store.read(s3_store / "a").body == b"x"


def test_several_ranges_of_one_object(any_store: StoreURL) -> None:
    body = bytes(range(256)) * 20
    store.write(any_store / "k", body)
    ranges = [(0, 4), (4000, 4100), (300, 301), (5119, 5120)]
    found = store.read_ranges(any_store / "k", ranges)
    assert found == [body[start:stop] for start, stop in ranges]
    with pytest.raises(ObjectNotFoundError):
        store.read_ranges(any_store / "no", ranges)


def test_the_last_object_by_name(any_store: StoreURL) -> None:
    folder = any_store / "numbered"
    assert store.last_object(folder, str.isdigit) is None
    for name in ("01", "03", "02", "x", "09/below"):
        store.write(folder / name, name.encode())
    found = store.last_object(folder, str.isdigit)
    assert found == ("03", store.head(folder / "03").etag)
    assert store.last_object(folder, "y".__eq__) is None


@pytest.mark.folder
def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(lake: StoreURL) -> None:
    loop = lake / "loop"
    loop.path.symlink_to(loop.path)
    for ask in (store.list_children, lambda url: store.last_object(url, str.isdigit)):
        with pytest.raises(StoreError, match="list"):
            ask(loop)
    gone = StoreURL("file", str(lake.path / "typo"), "numbered")
    with pytest.raises(ObjectNotFoundError, match="typo"):
        store.last_object(gone, str.isdigit)


PAUSED = """
import sys
from voxlake.platform import store
growing = store.grow(store.StoreURL.parse(sys.argv[1]) / "em.zarr/c/0")
growing.append([b"voxels"])
print("ready", flush=True)
sys.stdin.readline()
growing.commit()
"""


@pytest.mark.folder
def test_what_a_living_writer_makes_is_never_swept(lake: StoreURL) -> None:
    """Not its partial files, whatever their age, nor the lock file that TensorStore writes to."""
    mine = store.grow(lake / "em.zarr/c/1")
    writer = _start(PAUSED, str(lake))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    held = lake.path / "0_5e.__lock"
    held.touch()
    for path in (held, *lake.path.rglob("*.partial")):
        os.utime(path, (1, 1))
    lock = store.FileLock(held)
    writer.send_signal(signal.SIGSTOP)
    assert sweep(lake, older_than_s=0) == []
    writer.send_signal(signal.SIGCONT)
    writer.communicate("go\n")
    mine.commit()
    assert store.read(lake / "em.zarr/c/0").body == b"voxels"
    lock.release()
    assert sweep(lake) == [held]


@pytest.mark.folder
def test_what_a_dead_writer_left_is_swept_at_once(lake: StoreURL) -> None:
    writer = _start(PAUSED, str(lake))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    writer.kill()
    writer.communicate()
    assert len(sweep(lake)) == 1


def test_an_open_object_is_read_in_one_state(any_store: StoreURL) -> None:
    """Ranges that are close come in one request, and those that are far apart in several."""
    url = any_store / "k"
    body = bytes(range(251)) * (3 << 12)
    store.write(url, body)
    reader = store.open_ranges(url)
    ranges = [(2 << 20, 3 << 20), (7, 7), (5, 90), (60, 100), (0, 1), ((1 << 20) - 5, 1 << 20)]
    assert reader.read_many(ranges) == [body[start:stop] for start, stop in ranges]
    assert reader.read_many([]) == []
    store.write(url, b"another")
    if any_store.is_local:
        assert reader.read(0, 7) == body[:7]
    else:
        with pytest.raises(ConflictError):
            reader.read(0, 7)


def test_a_date_of_just_now_may_be_of_two_states(tmp_path: Path) -> None:
    """A web server that tells no ETags tells whole seconds, by its own clock."""
    file = tmp_path / "k"
    file.write_bytes(b"voxels")
    with run_web(tmp_path) as server:
        url = StoreURL.parse_readable(server.address) / "k"
        assert not store.open_ranges(url).is_settled
        os.utime(file, (time.time() - 120,) * 2)
        assert store.open_ranges(url).is_settled
