"""Store URLs: no way out of a store, no secret inside, text and back."""

from __future__ import annotations

import os
import pickle
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.platform.errors import InvalidInputError, StoreError, UnsupportedError, VoxlakeError
from voxlake.platform.settings import Settings
from voxlake.platform.store.adapters import as_obstore, as_tensorstore
from voxlake.platform.store.process import prepare_process
from voxlake.platform.store.url import StoreURL

parts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
keys = st.lists(parts, min_size=1, max_size=4).map("/".join)
pieces = st.sampled_from(["..", ".", "a", "b c", "", "%2e%2e", "\\", "...", "~", "#1", "?x=1"])
roots = [
    StoreURL.parse("/data/lake"),
    StoreURL("memory", "m", "k"),
    StoreURL("s3", "b", "lake", None, "us-east-1"),
    StoreURL("gs", "b", "lake"),
    StoreURL("az", "b", "lake", "https://lab.blob.core.windows.net"),
    StoreURL("az", "b", "lake", "http://127.0.0.1:10000/lab"),
]


@given(st.sampled_from(roots), st.lists(pieces, max_size=6).map("/".join))
def test_a_key_never_leads_out(lake: StoreURL, key: str) -> None:
    try:
        below = lake / key
    except InvalidInputError:
        assert {"..", ".", "\\"} & set(key.split("/"))
        return
    assert not {"..", "."} & set(below.key.split("/"))
    assert f"{below.key}/".startswith(f"{lake.key}/".lstrip("/"))
    if lake.is_local:
        assert below.path.resolve().is_relative_to(lake.path)


@given(st.sampled_from(roots), keys)
def test_text_and_back(lake: StoreURL, key: str) -> None:
    try:
        url = lake / key
    except InvalidInputError:
        return
    again = StoreURL.parse(str(url), Settings())
    assert str(again) == str(url)
    # A folder's text does not say where its root ends.
    assert again.path == url.path if url.scheme == "file" else again == url


@given(
    st.text(max_size=40),
    st.sampled_from(["", "s3://", "gs://", "az://", "memory://", "file://", "s3://b/"]),
)
def test_any_text_is_a_url_or_refused(text: str, scheme: str) -> None:
    try:
        url = StoreURL.parse(scheme + text)
    except VoxlakeError:
        return
    assert not {"..", "."} & set(url.key.split("/"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "s3://", "s3:///key", "s3://b/../c", "memory://", "memory://../x", "s3://[", "a\0b"),
        *("gs://", "gs:///key", "gs://b/../c", "gs://b?endpoint=http://h", "az://?account=lab"),
        *("az://c/k", "az://c?account=Lab", "az://c?account=evil.org/", "az://c/../k?account=lab"),
    ],
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(InvalidInputError):
        StoreURL.parse(text)


@pytest.mark.parametrize("text", ["ftp://b", "http://h/x", "S4://b"])
def test_other_schemes(text: str) -> None:
    with pytest.raises(UnsupportedError, match="s3://"):
        StoreURL.parse(text)


def test_credentials_in_an_endpoint_are_refused_and_not_repeated() -> None:
    settings = Settings(s3_endpoint="http://key:hush@host:1")
    for text in (
        "s3://key:hush@bucket/lake",
        "s3://b?endpoint=http%3A%2F%2Fkey:hush%40h",
        "s3://b",
    ):
        with pytest.raises(InvalidInputError, match="VOXLAKE_S3_SECRET_ACCESS_KEY") as caught:
            StoreURL.parse(text, settings)
        assert "hush" not in str(caught.value)


def test_endpoint_and_region_come_from_the_query_then_the_settings() -> None:
    settings = Settings(s3_endpoint="http://one:1", s3_region="eu-1")
    assert StoreURL.parse("s3://b/k", settings).endpoint == "http://one:1"
    url = StoreURL.parse("s3://b/k?endpoint=http://two:2&region=us-2", settings)
    assert (url.endpoint, url.region) == ("http://two:2", "us-2")
    assert StoreURL.parse(str(url), settings) == url
    assert pickle.loads(pickle.dumps(url)) == url


def test_an_account_of_azure_comes_from_the_query_then_the_settings() -> None:
    settings = Settings(azure_account="ours")
    for text, endpoint in {
        "az://c/k": "https://ours.blob.core.windows.net",
        "az://c/k?account=theirs": "https://theirs.blob.core.windows.net",
        "az://c/k?endpoint=https://lab.blob.core.usgovcloudapi.net/": "https://lab.blob.core."
        "usgovcloudapi.net",
    }.items():
        url = StoreURL.parse(text, settings)
        assert (url.root, url.key, url.endpoint) == ("c", "k", endpoint)
        assert StoreURL.parse(str(url), settings) == url
    assert str(StoreURL.parse("az://c/k", settings)) == "az://c/k?account=ours"
    emulator = Settings(azure_account="ours", azure_endpoint="http://127.0.0.1:10000/ours")
    assert StoreURL.parse("az://c", emulator).endpoint == "http://127.0.0.1:10000/ours"
    with pytest.raises(InvalidInputError, match="VOXLAKE_AZURE_ACCOUNT"):
        StoreURL.parse("az://c/k", Settings())
    with pytest.raises(InvalidInputError, match="credentials"):
        StoreURL.parse("az://c/k?account=lab&sig=hush", settings)


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_no_proxy_is_asked_for_a_store_on_this_machine(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(each, "")
    monkeypatch.setenv(name, "lab.org,127.0.0.1")
    for _ in range(2):
        prepare_process.cache_clear()
        as_tensorstore(StoreURL.parse("s3://b/k"))
        for each in ("no_proxy", "NO_PROXY"):
            assert os.environ[each] == "lab.org,127.0.0.1,localhost,::1"
    prepare_process.cache_clear()


def test_a_session_token_of_other_keys_goes_with_none_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kept in (True, False):
        monkeypatch.setenv("AWS_SESSION_TOKEN", "of the keys of the environment")
        for name in ("VOXLAKE_S3_ACCESS_KEY_ID", "VOXLAKE_S3_SECRET_ACCESS_KEY"):
            if kept:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, "ours")
        prepare_process.cache_clear()
        as_tensorstore(StoreURL.parse("s3://b/k"))
        assert ("AWS_SESSION_TOKEN" in os.environ) is kept
    prepare_process.cache_clear()


@pytest.mark.parametrize("name", ["VOXLAKE_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_endpoint_of_the_environment_is_the_same_for_all_libraries(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOXLAKE_S3_ENDPOINT", raising=False)
    monkeypatch.setenv("S3_ENDPOINT", "http://none:1")
    assert StoreURL.parse("s3://b/k").endpoint is None
    for text, found in {
        "http://one:1/": "http://one:1",
        "127.0.0.1:8333": "http://127.0.0.1:8333",
        "s3.lab.org": "https://s3.lab.org",
    }.items():
        monkeypatch.setenv(name, text)
        url = StoreURL.parse("s3://b/k")
        assert as_tensorstore(url)["endpoint"] == url.endpoint == found
        assert StoreURL.parse(f"s3://b/k?endpoint={text}", Settings()).endpoint == found


def test_a_relative_path_loses_its_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert StoreURL.parse("../lake").path == tmp_path / "lake"


def test_what_names_have() -> None:
    lake = StoreURL.parse("/data/lake")
    assert (lake.name, (lake / "c/em.zarr").name) == ("lake", "em.zarr")
    with pytest.raises(InvalidInputError, match="not on this machine"):
        _ = StoreURL("s3", "b").folder
    with pytest.raises(InvalidInputError, match="on this machine, and in no bucket"):
        as_obstore(lake)


def test_memory_stores_are_of_their_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_shm = lambda path: str(path) != "/dev/shm" and os.path.isdir(path)  # noqa: E731, PTH112
    monkeypatch.setattr(Path, "is_dir", without_shm)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = StoreURL.parse("memory://m").path.parent
    assert folder == tmp_path / f"voxlake-memory-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    assert StoreURL.parse("memory://m").path.parent == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(StoreError, match="of this user alone"):
        _ = StoreURL.parse("memory://m").path
