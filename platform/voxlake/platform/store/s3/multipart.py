"""Uploads in parts that nobody ends: what was sent of them is stored, unseen, and paid for.

S3 alone has them. We send objects of more than 1 GiB so, where no condition is needed; other
programs send smaller ones so.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from voxlake.platform.aws.clients import client_of
from voxlake.platform.errors import StoreDeniedError, StoreError, StoreUnavailableError
from voxlake.platform.store.failures import known_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store.url import StoreURL

ABANDONED_S = 24 * 3600.0
"""An upload of this age is not going on any more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in parts that was begun."""

    url: StoreURL
    """Of the object that it is to be."""
    number: str
    """What the store calls it."""
    begun: datetime


def abandoned_uploads(url: StoreURL, *, older_than_s: float = ABANDONED_S) -> list[Upload]:
    """Return the uploads of objects below `url` that are of that age and were not ended.

    Raises
    ------
    StoreDeniedError
        If the store does not tell, or not to these credentials.
    StoreUnavailableError
        If it cannot be asked.
    """
    if url.scheme != "s3" or url.foreign:
        return []
    last = datetime.now(UTC) - timedelta(seconds=older_than_s)
    with s3_failures("list the uploads in parts of", url):
        pages = s3_client(url).get_paginator("list_multipart_uploads")
        listed = pages.paginate(Bucket=url.root, Prefix=f"{url.key}/" if url.key else "")
        told = [each for page in listed for each in page.get("Uploads", ())]
    found = (Upload(replace(url, key=t["Key"]), t["UploadId"], t["Initiated"]) for t in told)
    return [upload for upload in found if upload.begun <= last]


def abort_upload(upload: Upload) -> None:
    """Drop what was sent of an upload; that it is gone is no error. Fails as the listing does."""
    url = upload.url
    client = s3_client(url)
    with s3_failures("end the upload of", url):
        try:
            client.abort_multipart_upload(Bucket=url.root, Key=url.key, UploadId=upload.number)
        except client.exceptions.NoSuchUpload:
            return


def s3_client(url: StoreURL) -> Any:
    """Return a client of botocore for the bucket of `url`."""
    return client_of("s3", url.endpoint, url.region or "us-east-1")


@contextmanager
def s3_failures(action: str, url: StoreURL) -> Iterator[None]:
    """Translate what botocore raises."""
    # It takes as long to load as all else, and few are asked for.
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # it ships no types

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 502:
            raise StoreUnavailableError(f"cannot {action} {url}: {error}; try again") from error
        if told.get("Code") in {"AccessDenied", "MethodNotAllowed", "NotImplemented", "501", "403"}:
            raise StoreDeniedError(f"cannot {action} {url}: {told.get('Code')}") from error
        raise StoreError(f"cannot {action} {url}: {error}") from error
    except BotoCoreError as error:
        reason = known_reason(str(error)) or f"{error}; try again"
        raise StoreUnavailableError(f"cannot {action} {url}: {reason}") from error
