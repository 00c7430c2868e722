"""What is said of stores that fail: one line, and what to do."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.conftest import forget_stores
from tests.servers.processes import free_ports
from tests.servers.s3_proxy import Fault, s3_proxy

from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    ObjectNotFoundError,
    StoreError,
    StoreUnavailableError,
)
from voxlake.platform.panics import is_panic
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.platform.store import ObjectInfo

ASK: dict[str, Callable[[StoreURL], object]] = {
    "read": lambda url: store.read(url / "x"),
    "list": store.list_children,
    "write": lambda url: store.write(url / "x", b"x"),
}

PANICS = """
import os, resource, sys
from voxlake.platform import store
from voxlake.platform.errors import StoreError, StoreUnavailableError

url = store.StoreURL.parse("s3://bucket/lake")
opened = max(map(int, os.listdir("/proc/self/fd")))
for more in range(20):  # What a library fails at depends on how many files it still can open.
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + more, 4096))
    try:
        store.read(url / "x")
    except StoreError as error:
        if type(error.__cause__).__name__ == "PanicException":
            sys.exit(f"panicked: {error}")
"""


def _said(action: str, url: StoreURL) -> str:
    forget_stores()
    with pytest.raises(StoreError) as failed:
        ASK[action](url)
    text = str(failed.value)
    assert "\n" not in text
    assert not [word for word in ("Generic", "<?xml", "Debug", "Error performing") if word in text]
    return text


@pytest.fixture(params=ASK)
def action(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_missing_keys_are_named_as_such(
    action: str, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VOXLAKE_S3_", "AWS_"):
        monkeypatch.delenv(f"{name}ACCESS_KEY_ID")
        monkeypatch.delenv(f"{name}SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    said = _said(action, s3_store)
    assert "no credentials" in said
    assert "VOXLAKE_S3_ACCESS_KEY_ID" in said


def test_wrong_keys_are_named_as_such(
    action: str, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_S3_SECRET_ACCESS_KEY", "wrong")
    assert "does not know the credentials" in _said(action, s3_store)


def test_a_server_that_is_not_there(
    action: str, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    port = free_ports(1)[0]
    url = StoreURL.parse(f"s3://bucket/lake?endpoint=http://127.0.0.1:{port}")
    assert "check that the endpoint is right and answers" in _said(action, url)


def test_a_bucket_that_is_not_there(s3_store: StoreURL) -> None:
    url = StoreURL(s3_store.scheme, "nosuch", "lake", s3_store.endpoint, s3_store.region)
    assert "no such bucket" in _said("list", url)


def test_what_answers_404_in_the_place_of_the_store_is_a_failure(s3_store: StoreURL) -> None:
    assert s3_store.endpoint is not None
    store.write(s3_store / "there", b"x")
    with s3_proxy(s3_store.endpoint) as proxy:
        url = replace(s3_store, endpoint=proxy.endpoint)
        assert store.read_if_there(url / "absent") is None
        proxy.choose = lambda _: Fault.ELSEWHERE
        for key in ("there", "absent"):
            with pytest.raises(StoreUnavailableError, match="something before it"):
                store.read_if_there(url / key)


HEADS: dict[str, Callable[[StoreURL], ObjectInfo]] = {
    "at once": store.head,
    "awaited": lambda url: store.begin(partial(store.ask_head, url)).result(60),
}


@pytest.mark.parametrize("how", HEADS)
def test_a_404_to_head_counts_once_the_store_has_said_it(s3_store: StoreURL, how: str) -> None:
    assert s3_store.endpoint is not None
    head = HEADS[how]
    store.write(s3_store / "there", b"x")
    with s3_proxy(s3_store.endpoint) as proxy:
        url = replace(s3_store, endpoint=proxy.endpoint)
        assert head(url / "there").size == 1
        assert proxy.found == {"HEAD": 1}
        with pytest.raises(ObjectNotFoundError):
            head(url / "absent")
        assert proxy.found == {"HEAD": 2, "GET range": 1}
        proxy.choose = lambda request: Fault.ELSEWHERE if request.method == "HEAD" else None
        assert head(url / "there") == replace(head(s3_store / "there"), url=url / "there")
        with pytest.raises(ObjectNotFoundError):
            head(url / "absent")
        proxy.choose = lambda _: Fault.ELSEWHERE
        for key in ("there", "absent"):
            with pytest.raises(StoreUnavailableError, match="something before it"):
                head(url / key)


def test_a_write_finds_out_what_a_404_to_head_was_of(s3_store: StoreURL) -> None:
    assert s3_store.endpoint is not None
    store.write(s3_store / "there", b"x")
    with s3_proxy(s3_store.endpoint) as proxy:
        url = replace(s3_store, endpoint=proxy.endpoint)
        proxy.choose = lambda request: Fault.ELSEWHERE if request.method == "HEAD" else None
        assert store.state_of(url / "there") == ""
        assert proxy.found == {"HEAD": 1}
        with pytest.raises(ConflictError):
            store.replace(url / "there", b"y", "")
        assert store.read(url / "there").body == b"x"


def test_clocks_that_differ_are_named_as_such(s3_store: StoreURL) -> None:
    assert s3_store.endpoint is not None
    with s3_proxy(s3_store.endpoint) as proxy:
        proxy.choose = lambda _: Fault.SKEWED
        url = replace(s3_store, endpoint=proxy.endpoint)
        assert "the clock of this machine" in _said("read", url)


def test_a_refusal_says_what_the_server_says(
    action: str, s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_S3_ANONYMOUS", "1")
    said = _said(action, s3_store)
    assert "AccessDenied" in said or "check its permissions" in said


def test_a_library_that_panics_is_a_store_that_fails() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PANICS], capture_output=True, text=True, timeout=60, check=False
    )
    assert "panicked: cannot read s3://bucket/lake/x" in ran.stderr


def test_files_that_cannot_be_opened_now_are_a_store_that_is_away(tmp_path: Path) -> None:
    url = StoreURL.parse(str(tmp_path))
    store.write(url / "x", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        with pytest.raises(StoreUnavailableError, match="Too many open files"):
            store.read(url / "x")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert store.read(url / "x").body == b"x"


def test_panics_are_told_from_what_ends_a_process() -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    assert is_panic(panic())
    assert not is_panic(SystemExit())
    assert not is_panic(Exception())
