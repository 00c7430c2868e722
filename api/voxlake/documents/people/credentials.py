"""Temporary keys of a store, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from voxlake.documents.document import Document

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL
    from voxlake.platform.store.s3.temporary import Reach, TemporaryKeys


class CredentialsDocument(Document):
    """Keys of S3 that are good for one dataset and a short while."""

    endpoint: str | None = Field(description="URL of the S3 service; null: AWS.")
    region: str
    bucket: str
    prefix: str = Field(description="Key of the dataset's group, without a slash at its end.")
    writes: bool = Field(description="Whether levels may be written, too.")
    access_key_id: str
    secret_access_key: str = Field(repr=False)
    session_token: str = Field(repr=False)
    expires_at: datetime


def credentials_document(url: StoreURL, reach: Reach, keys: TemporaryKeys) -> CredentialsDocument:
    """Return the keys for the dataset at `url`."""
    return CredentialsDocument(
        endpoint=url.endpoint,
        region=url.region or "us-east-1",
        bucket=url.root,
        prefix=url.key,
        writes=bool(reach.write),
        access_key_id=keys.access_key_id,
        secret_access_key=keys.secret_access_key,
        session_token=keys.session_token,
        expires_at=keys.expires_at,
    )
