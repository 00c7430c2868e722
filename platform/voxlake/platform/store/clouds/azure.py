"""Azure Blob Storage: containers of storage accounts.

Its ETags are conditions of reads and writes as those of S3 are. TensorStore does not speak to it;
what is public is read over the web.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import obstore.store

from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings
    from voxlake.platform.store.url import StoreURL

_CREDENTIALS = (
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
)
"""Variables of Azure's own programs that obstore takes, beside the key of the account."""


def azure_container(
    url: StoreURL, settings: Settings, patience: dict[str, Any]
) -> obstore.store.AzureStore:
    """Return the obstore handle of the prefix `url` of a container."""
    anonymous = is_anonymous(url, settings)
    key = None if anonymous else settings.azure_account_key
    options: dict[str, Any] = {} if key is None else {"account_key": key.get_secret_value()}
    return obstore.store.AzureStore(
        url.root,
        prefix=url.key or None,
        account_name=_account(url),
        endpoint=url.endpoint,
        use_emulator=False,
        skip_signature=anonymous,
        **patience,
        **options,
    )


def azure_spec(url: StoreURL, settings: Settings, retries: dict[str, Any]) -> dict[str, Any]:
    """Return the TensorStore kvstore spec of the prefix `url` of a public container.

    Raises
    ------
    UnsupportedError
        If it is asked with credentials.
    """
    if not is_anonymous(url, settings):
        raise UnsupportedError(
            f"{url} is in Azure Blob Storage, where TensorStore reads public containers alone, and "
            "this is for it to read or write: N5, precomputed, and zarr that is not coded as "
            "voxlake codes; copy it to a folder, S3 or Google Cloud Storage"
        )
    path = "/".join(map(quote, filter(None, (url.root, url.key))))
    base = f"{url.endpoint}/{path}/"
    return {"driver": "http", "base_url": base, "http_request_retries": retries}


def is_anonymous(url: StoreURL, settings: Settings) -> bool:
    """Return whether an account is asked without credentials: those here are of one account."""
    if url.foreign or url.endpoint != own_endpoint(settings):
        return True
    if settings.azure_anonymous is not None:
        return settings.azure_anonymous
    return settings.azure_account_key is None and not any(map(os.environ.get, _CREDENTIALS))


def own_endpoint(settings: Settings) -> str | None:
    """Return the endpoint of the account that the credentials here are of."""
    if settings.azure_endpoint is not None:
        return settings.azure_endpoint.rstrip("/")
    account = settings.azure_account
    return None if account is None else f"https://{account}.blob.core.windows.net"


def _account(url: StoreURL) -> str:
    """Return the account of an endpoint: the path of one, or the first part of its host.

    Examples
    --------
    >>> from voxlake.platform.store.url import StoreURL
    >>> _account(StoreURL("az", "em", "", "https://lab.blob.core.windows.net"))
    'lab'
    >>> _account(StoreURL("az", "em", "", "http://127.0.0.1:10000/devstoreaccount1"))
    'devstoreaccount1'
    """
    parts = urlsplit(url.endpoint or "")
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]
