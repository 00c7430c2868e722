"""Google Cloud Storage: buckets that everybody reads, and lakes.

obstore speaks its XML interface and TensorStore its JSON interface; both take a generation as the
condition of a write. Credentials are found as Google's own programs find them; where there are
none, buckets are read as everybody reads them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import obstore.store

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings
    from voxlake.platform.store.url import StoreURL

_WEB = "https://storage.googleapis.com"
_EMULATOR_TOKEN = "emulator"  # noqa: S105  (emulators take any, and get none of Google's)
_PRODUCT = Path("/sys/class/dmi/id/product_name")
"""What says that a machine is one of Google's, which gives programs its service account."""


def google_bucket(
    url: StoreURL, settings: Settings, patience: dict[str, Any]
) -> obstore.store.GCSStore:
    """Return the obstore handle of the prefix `url` of a bucket."""
    anonymous = is_anonymous(settings)
    # With a token, obstore looks for no other credentials.
    is_known = anonymous or settings.gcs_endpoint is not None
    token: dict[str, Any] = {"bearer_token": _EMULATOR_TOKEN} if is_known else {}
    return obstore.store.GCSStore(
        url.root,
        prefix=url.key or None,
        base_url=settings.gcs_endpoint or _WEB,
        skip_signature=anonymous,
        **patience,
        **token,
    )


def google_spec(url: StoreURL, settings: Settings, retries: dict[str, Any]) -> dict[str, Any]:
    """Return the TensorStore kvstore spec of the prefix `url` of a bucket."""
    if is_anonymous(settings):
        # Its driver of GCS would take what credentials it finds.
        path = "/".join(map(quote, filter(None, (url.root, url.key))))
        base = f"{settings.gcs_endpoint or _WEB}/{path}/"
        return {"driver": "http", "base_url": base, "http_request_retries": retries}
    return {
        "driver": "gcs",
        "bucket": url.root,
        "path": f"{url.key}/" if url.key else "",
        "gcs_request_retries": retries,
    }


def is_anonymous(settings: Settings) -> bool:
    """Return whether Google is asked without credentials: as is set, else if there are none."""
    if settings.gcs_anonymous is not None:
        return settings.gcs_anonymous
    return settings.gcs_endpoint is None and not _has_credentials()


def _has_credentials() -> bool:
    """Return whether there are application default credentials.

    https://cloud.google.com/docs/authentication/application-default-credentials
    """
    if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return True
    name = "application_default_credentials.json"
    if (Path.home() / ".config" / "gcloud" / name).is_file():
        return True
    try:
        return _PRODUCT.read_text().startswith("Google")
    except OSError:
        return False
