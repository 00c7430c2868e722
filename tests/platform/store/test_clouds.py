"""Google and Azure: who is asked with which credentials, and what is said where there are none."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.conftest import forget_stores

from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    ObjectNotFoundError,
    StoreError,
    UnsupportedError,
)
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, as_tensorstore
from voxlake.platform.store.clouds import azure, google
from voxlake.platform.store.requests import in_background

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.azurite.azurite import AzureServer

AZURE = "https://lab.blob.core.windows.net"


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user without credentials, on no machine of Google's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(google, "_PRODUCT", tmp_path / "product_name")
    return tmp_path


@pytest.mark.parametrize("there", ["a variable", "a file", "a machine"])
def test_google_is_asked_with_what_credentials_there_are(
    there: str, no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert google.is_anonymous(Settings())
    assert not google.is_anonymous(Settings(gcs_anonymous=False))
    if there == "a variable":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/etc/account.json")
    elif there == "a file":
        folder = no_credentials / ".config" / "gcloud"
        folder.mkdir(parents=True)
        (folder / "application_default_credentials.json").touch()
    else:
        (no_credentials / "product_name").write_text("Google Compute Engine\n")
    assert not google.is_anonymous(Settings())
    assert google.is_anonymous(Settings(gcs_anonymous=True))


def test_what_tensorstore_reads_of_google(
    no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = StoreURL.parse("gs://fly/em 1")
    spec = as_tensorstore(url)
    assert spec["driver"] == "http"
    assert spec["base_url"] == "https://storage.googleapis.com/fly/em%201/"
    monkeypatch.setenv("VOXLAKE_GCS_ANONYMOUS", "0")
    forget_stores()
    spec = as_tensorstore(url)
    assert (spec["driver"], spec["bucket"], spec["path"]) == ("gcs", "fly", "em 1/")


@pytest.mark.parametrize(
    ("settings", "anonymous"),
    [
        (Settings(azure_account="lab", azure_account_key="key"), False),
        (Settings(azure_account="lab"), True),
        (Settings(azure_account="lab", azure_anonymous=False), False),
        (Settings(azure_account="lab", azure_account_key="key", azure_anonymous=True), True),
        (Settings(azure_account="other", azure_account_key="key"), True),
        (Settings(azure_account_key="key", azure_anonymous=False), True),
        (Settings(azure_endpoint=AZURE + "/", azure_account_key="key"), False),
    ],
)
def test_credentials_of_azure_are_of_one_account(settings: Settings, anonymous: bool) -> None:
    url = StoreURL("az", "em", "", AZURE)
    assert azure.is_anonymous(url, settings) is anonymous
    assert azure.is_anonymous(replace(url, foreign=True), settings)


def test_tensorstore_reads_of_azure_what_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    url = StoreURL("az", "em", "a b", AZURE)
    assert as_tensorstore(url)["base_url"] == f"{AZURE}/em/a%20b/"
    monkeypatch.setenv("VOXLAKE_AZURE_ACCOUNT", "lab")
    monkeypatch.setenv("VOXLAKE_AZURE_ACCOUNT_KEY", "a2V5")
    forget_stores()
    with pytest.raises(UnsupportedError, match="public"):
        as_tensorstore(url)


def test_a_state_of_google_is_replaced_by_its_etag(gcs_store: StoreURL) -> None:
    url = gcs_store / "a"
    with pytest.raises(ConflictError):
        store.replace(url, b"1", '"none"')
    first = store.replace(url, b"1", "")
    with pytest.raises(ConflictError):
        store.replace(url, b"2", "")
    second = store.replace(url, b"2", first)
    with pytest.raises(ConflictError):
        store.replace(url, b"3", first)
    assert store.read(url) == store.Stored(b"2", second)


def test_a_public_container_of_azure_is_read(
    azure_store: StoreURL, azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorstore as ts

    url = replace(azure_store, root=azure_server.public)
    store.write(url / "a b", b"voxels")
    monkeypatch.delenv("VOXLAKE_AZURE_ACCOUNT_KEY")
    forget_stores()
    assert store.read(url / "a b").body == b"voxels"
    assert store.list_children(url) == ([], ["a b"])
    kvstore = ts.KvStore.open(as_tensorstore(url)).result()
    assert kvstore.read("a b").result().value == b"voxels"
    foreign = replace(url, foreign=True)
    assert store.read(foreign / "a b").body == b"voxels"


def test_a_wrong_key_of_azure_is_said(
    azure_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_AZURE_ACCOUNT_KEY", "d3Jvbmc=")
    forget_stores()
    with pytest.raises(StoreError, match="VOXLAKE_AZURE_ACCOUNT_KEY") as caught:
        store.write(azure_store / "a", b"x")
    assert "\n" not in str(caught.value)


def test_a_container_of_azure_that_is_not_there_is_said(azure_store: StoreURL) -> None:
    url = replace(azure_store, root="no-such-container")
    for ask in (store.read, store.list_children):
        with pytest.raises(StoreError, match="no such container"):
            ask(url / "a")


def test_the_end_of_an_object_of_azure(azure_store: StoreURL) -> None:
    """It knows no ranges from the end."""
    url = azure_store / "a"
    for body, size in ((b"0123456789", 4), (b"01", 4), (b"", 4)):
        store.write(url, body)
        info, end = in_background(partial(store.ask_end, url, size))
        assert (info, bytes(end)) == (store.head(url), body[-size:])


def test_a_bucket_of_google_that_is_not_there_is_said(gcs_store: StoreURL) -> None:
    with pytest.raises(StoreError, match="no such bucket"):
        store.list_children(replace(gcs_store, root="no-such-bucket"))


def test_a_public_bucket_of_google_is_read(
    gcs_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorstore as ts

    store.write(gcs_store / "em" / "info", b"{}")
    monkeypatch.setenv("VOXLAKE_GCS_ANONYMOUS", "1")
    forget_stores()
    assert store.read(gcs_store / "em" / "info").body == b"{}"
    assert store.list_children(gcs_store) == (["em"], [])
    kvstore = ts.KvStore.open(as_tensorstore(gcs_store / "em")).result()
    assert kvstore.read("info").result().value == b"{}"
    assert kvstore.read("no").result().state == "missing"
    with pytest.raises(ObjectNotFoundError):
        store.read(gcs_store / "no")


def test_options_of_google_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="options"):
        StoreURL.parse("gs://fly/em?scale=1")
