"""No credentials in an address, however they are written; what has none is left alone."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.platform.errors import InvalidInputError
from voxlake.platform.secrets.credentials import refuse_credentials

SECRET = "hush9hush"

WITH = (
    "https://me:{}@host/em.zarr",
    "https://{}@host/em.zarr",
    "https://me:{}/x@host/em.zarr",
    "precomputed://https://me:{}@host/em",
    "https://host:80/em.zarr?token={}",
    "https://host/em.zarr?scale=1&Access_Token={}",
    "https://host/em.zarr?X-Amz-Credential={}",
    "https://host/em.zarr?AWSAccessKeyId={}",
    "https://account.blob/em.zarr?sv=1&sig={}",
    "https://host/em.zarr#api-key={}",
    "s3://{}@bucket/em.zarr",
    "s3://bucket/em?endpoint=http://key:{}@host",
    "s3://bucket/em?secret_access_key={}",
    "tiles.zip::https://me:{}@host/em.zarr",
)
WITHOUT = (
    "phantom:32",
    "/data/a@b/c?token=1.png",
    "file:///data/a@b.zarr",
    "https://host:8080/em@2x.zarr",
    "https://host/tokens/keys/session.zarr?author=me",
    "https://[::1]:8080/em",
    "s3://bucket/em.n5::/volumes/raw",
    "s3://bucket::/raw",
    "s3://bucket/em?endpoint=http%3A%2F%2F127.0.0.1%3A8333&region=us-1",
    "memory://lake/em",
)


@pytest.mark.parametrize("address", WITH)
@pytest.mark.parametrize("quoted", [0, 1, 2])
def test_credentials_are_refused_and_not_repeated(address: str, quoted: int) -> None:
    text = address.format(SECRET)
    for _ in range(quoted):
        text = f"s3://bucket/em?endpoint={quote(text, safe='')}"
    with pytest.raises(InvalidInputError, match=r"credentials|password") as caught:
        refuse_credentials(text)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("address", WITHOUT)
def test_other_addresses_are_taken(address: str) -> None:
    refuse_credentials(address)


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        refuse_credentials(text)
    except InvalidInputError:
        assert "://" in text or "%" in text
