"""Uploads in parts that nobody ended: found below a prefix once they are old, and swept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.servers.faulty import closed_port
from tests.servers.s3_proxy import Fault, s3_proxy

from voxlake.platform import store
from voxlake.platform.errors import StoreDeniedError, StoreUnavailableError
from voxlake.platform.store.s3.multipart import abandoned_uploads, abort_upload, s3_client

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

NOW = -3600.0
"""Older than this is whatever was begun, by whatever clock."""


def begin(url: StoreURL, body: bytes) -> None:
    """Begin an upload, send a part of it, and leave it at that."""
    client, where = s3_client(url), {"Bucket": url.root, "Key": url.key}
    number = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=number, PartNumber=1, Body=body)


def test_those_below_a_prefix_are_found_and_swept(s3_store: StoreURL) -> None:
    for key in ("a/one", "a/b/two", "ab/other"):
        begin(s3_store / key, b"x" * 1000)
    store.write(s3_store / "a/whole", b"y")
    assert abandoned_uploads(s3_store / "a") == []  # they may go on
    found = abandoned_uploads(s3_store / "a", older_than_s=NOW)
    assert {each.url for each in found} == {s3_store / "a/one", s3_store / "a/b/two"}
    for each in (*found, *found):
        abort_upload(each)
    assert abandoned_uploads(s3_store / "a", older_than_s=NOW) == []
    assert [each.url.name for each in abandoned_uploads(s3_store, older_than_s=NOW)] == ["other"]
    assert store.read(s3_store / "a/whole").body == b"y"


def test_a_folder_has_none(lake: StoreURL) -> None:
    assert abandoned_uploads(lake, older_than_s=NOW) == []


def test_a_store_that_does_not_tell_is_no_store_without_them(s3_store: StoreURL) -> None:
    with s3_proxy(str(s3_store.endpoint)) as proxy:
        proxy.choose = lambda _: Fault.UNKNOWN
        with pytest.raises(StoreDeniedError, match="NotImplemented"):
            abandoned_uploads(replace(s3_store, endpoint=proxy.endpoint))
    with pytest.raises(StoreUnavailableError):
        abandoned_uploads(replace(s3_store, endpoint=closed_port()))
