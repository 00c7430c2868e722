"""Set up this process for its stores, once: credentials, endpoint and time-outs in one place."""

from __future__ import annotations

import os
from functools import cache

from voxlake.platform.settings import Settings


@cache
def prepare_process() -> Settings:
    """Hand the settings to the store libraries that read them from the environment.

    TensorStore takes credentials and stall limits from variables only, and no library is told in
    another way whose certificates are believed. A Dask worker does this for itself when its first
    task opens a store, so secrets never travel with a task.
    """
    settings = Settings()
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        os.environ["AWS_ACCESS_KEY_ID"] = settings.s3_access_key_id.get_secret_value()
        os.environ["AWS_SECRET_ACCESS_KEY"] = settings.s3_secret_access_key.get_secret_value()
        # It belongs to the keys that the environment had: a store knows it with no others.
        os.environ.pop("AWS_SESSION_TOKEN", None)
    if settings.ca_file is not None:
        # The first is read by OpenSSL, by rustls under obstore, and by curl under TensorStore.
        for name in ("SSL_CERT_FILE", "TENSORSTORE_CA_BUNDLE", "AWS_CA_BUNDLE"):
            os.environ[name] = str(settings.ca_file.absolute())
    _pass_proxies_by()
    if settings.gcs_endpoint is not None:
        os.environ["TENSORSTORE_GCS_HTTP_URL"] = settings.gcs_endpoint
    stall = str(max(1, round(settings.store_stall_timeout_s)))
    # Below 1 byte/s for this long is a stall: without a limit TensorStore waits for ever.
    os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_TIME_SECONDS", stall)
    os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_LIMIT_BYTES", "1")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    return settings


def _pass_proxies_by() -> None:
    """Have no library ask a proxy of the environment for what is on this machine.

    They read one name or the other, and curl only the first that is set.
    """
    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = dict.fromkeys((*filter(None, said.split(",")), "localhost", "127.0.0.1", "::1"))
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(names)
