"""What S3 servers differ in and voxlake can do without: tried by the self-test, and said.

AWS has all of it; https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from voxlake.platform.errors import StoreError
from voxlake.platform.store.objects import exists, keeps_versions, read, write
from voxlake.platform.store.s3.multipart import (
    Upload,
    abandoned_uploads,
    abort_upload,
    s3_client,
    s3_failures,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store.url import StoreURL

_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


DELETES = "deletes"
"""Whether what is deleted is gone for good."""


class BrokenPromiseError(Exception):
    """The store answered, and what it did is wrong."""


def _try_parts(place: StoreURL) -> str:
    url = place / "parts"
    try:
        etag = _complete(url, b"in parts")
    except StoreError as error:
        raise BrokenPromiseError(f"shards of more than 1 GiB cannot be stored: {error}") from error
    stored = read(url)
    if (stored.body, stored.etag) != (b"in parts", etag):
        raise BrokenPromiseError("an object that was sent in parts is not what was sent")
    return f"objects can be sent in parts; their ETags are as {etag}"


def _try_parts_condition(place: StoreURL) -> str:
    url = place / "parts-condition"
    write(url, b"first")
    if not _is_refused(lambda: _complete(url, b"second", IfNoneMatch="*")):
        raise BrokenPromiseError(
            "parts are joined though there is an object: what is conditional is put in one request"
        )
    return "parts are not joined where there is an object"


def _try_parts_listing(place: StoreURL) -> str:
    url = place / "parts-listing"
    number = _begin(url)
    try:
        found = abandoned_uploads(place, older_than_s=-3600)
        abort_upload(_of(found, number))
        if number in {each.number for each in abandoned_uploads(place, older_than_s=-3600)}:
            raise BrokenPromiseError(_UNSEEN)
    except StoreError as error:
        raise BrokenPromiseError(f"{_UNSEEN} ({error})") from error
    return "parts of uploads that nobody ended are found and swept"


_UNSEEN = (
    "parts of uploads that nobody ended cannot be swept: let a rule of the bucket do it "
    "(AbortIncompleteMultipartUpload)"
)


def _try_conditional_delete(place: StoreURL) -> str:
    url = place / "conditional-delete"
    old = write(url, b"old")
    write(url, b"new")

    def delete() -> None:
        s3_client(url).delete_object(Bucket=url.root, Key=url.key, IfMatch=old)

    if not _is_refused(delete) or not exists(url):
        raise BrokenPromiseError("a DELETE takes no condition: none of ours has one")
    return "an object is not deleted on a stale ETag"


def _try_deletes(place: StoreURL) -> str:
    url = place / "deletes"
    write(url, b"to be deleted")
    if keeps_versions(url):
        raise BrokenPromiseError(KEEPS_VERSIONS)
    return "what is deleted is gone: no old versions are kept"


KEEPS_VERSIONS = (
    "the bucket keeps old versions of what is written over and deleted, and they cost as before: "
    "let a rule of the bucket end them (NoncurrentVersionExpiration)"
)


def _of(found: list[Upload], number: str) -> Upload:
    for each in found:
        if each.number == number:
            return each
    raise BrokenPromiseError(_UNSEEN)


def _begin(url: StoreURL) -> str:
    with s3_failures("send in parts", url):
        begun = s3_client(url).create_multipart_upload(Bucket=url.root, Key=url.key)
        return str(begun["UploadId"])


def _complete(url: StoreURL, body: bytes, **condition: str) -> str:
    """Send an object in one part; return its ETag."""
    client, number, where = s3_client(url), _begin(url), {"Bucket": url.root, "Key": url.key}
    with s3_failures("send in parts", url):
        try:
            part = client.upload_part(**where, UploadId=number, PartNumber=1, Body=body)
            parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
            done = client.complete_multipart_upload(
                **where, UploadId=number, MultipartUpload=parts, **condition
            )
        except BaseException:
            with suppress(client.exceptions.ClientError):
                client.abort_multipart_upload(**where, UploadId=number)
            raise
        return str(done["ETag"])


def _is_refused(ask: Callable[[], Any]) -> bool:
    from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it ships no types

    try:
        ask()
    except StoreError as error:
        cause = error.__cause__
        if not isinstance(cause, ClientError):
            raise
        return cause.response.get("Error", {}).get("Code") in _REFUSED
    except ClientError as error:
        return error.response.get("Error", {}).get("Code") in _REFUSED
    return False


OFFERS = (
    ("parts", _try_parts),
    ("parts-condition", _try_parts_condition),
    ("parts-listing", _try_parts_listing),
    ("conditional-delete", _try_conditional_delete),
    (DELETES, _try_deletes),
)
