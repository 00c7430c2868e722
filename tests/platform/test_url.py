"""Store URLs: no way out of a store, no secret inside, text and back."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.platform.errors import InvalidInputError, UnsupportedError, VoxlakeError
from voxlake.platform.settings import Settings
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

parts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
keys = st.lists(parts, min_size=1, max_size=4).map("/".join)
pieces = st.sampled_from(["..", ".", "a", "b c", "", "%2e%2e", "\\", "...", "~", "#1", "?x=1"])
roots = [
    StoreURL.parse("/data/lake"),
    StoreURL("memory", "m", "k"),
    StoreURL("s3", "b", "lake", None, "us-east-1"),
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


@given(st.text(max_size=40), st.sampled_from(["", "s3://", "memory://", "file://", "s3://b/"]))
def test_any_text_is_a_url_or_refused(text: str, scheme: str) -> None:
    try:
        url = StoreURL.parse(scheme + text)
    except VoxlakeError:
        return
    assert not {"..", "."} & set(url.key.split("/"))


@pytest.mark.parametrize(
    "text",
    ["", "s3://", "s3:///key", "s3://b/../c", "memory://", "memory://../x", "s3://[", "a\0b"],
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(InvalidInputError):
        StoreURL.parse(text)


@pytest.mark.parametrize("text", ["gs://b", "http://h/x", "S4://b"])
def test_other_schemes(text: str) -> None:
    with pytest.raises(UnsupportedError, match="s3://"):
        StoreURL.parse(text)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInputError, match="no credentials") as caught:
        StoreURL.parse("s3://key:hush@bucket/lake")
    assert "hush" not in str(caught.value)


def test_endpoint_and_region_come_from_the_query_then_the_settings() -> None:
    settings = Settings(s3_endpoint="http://one:1", s3_region="eu-1")
    assert StoreURL.parse("s3://b/k", settings).endpoint == "http://one:1"
    url = StoreURL.parse("s3://b/k?endpoint=http://two:2&region=us-2", settings)
    assert (url.endpoint, url.region) == ("http://two:2", "us-2")
    assert StoreURL.parse(str(url), settings) == url
    assert pickle.loads(pickle.dumps(url)) == url


def test_a_relative_path_loses_its_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert StoreURL.parse("../lake").path == tmp_path / "lake"


def test_what_names_have() -> None:
    lake = StoreURL.parse("/data/lake")
    assert (lake.name, (lake / "c/em.zarr").name) == ("lake", "em.zarr")
    with pytest.raises(InvalidInputError, match="not on this machine"):
        _ = StoreURL("s3", "b").folder
