"""One store URL, opened by each of the libraries that voxlake reads and writes with."""

from __future__ import annotations

import dataclasses
import os
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import obstore.store

from voxlake.platform.errors import InvalidInputError
from voxlake.platform.store.allowed.outbound import check_host, proxy_to
from voxlake.platform.store.clouds.azure import azure_container, azure_spec, is_anonymous
from voxlake.platform.store.clouds.google import google_bucket, google_spec
from voxlake.platform.store.process import prepare_process

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from voxlake.platform.settings import Settings
    from voxlake.platform.store.url import StoreURL

type Bucket = obstore.store.S3Store | obstore.store.GCSStore | obstore.store.AzureStore
type Obstore = obstore.store.MemoryStore | obstore.store.HTTPStore | Bucket


SLOWEST = 1 << 20
"""Bytes a second that a line takes at least which is not taken for broken."""


def as_obstore(url: StoreURL, sent_bytes: int = 0) -> Obstore:
    """Return the obstore handle of the bucket or host of `url`; keys are `url.key` and below.

    Parameters
    ----------
    sent_bytes
        Size of the body that is to be sent. The server says nothing before it has all of it, which
        for a large one is longer than a server may be silent.

    Raises
    ------
    InvalidInputError
        If it is on this machine: files are read and written without obstore (see `local`).
    """
    if url.is_local:
        raise InvalidInputError(f"{url} is on this machine, and in no bucket; use its path")
    if not url.is_listed:
        return _host(f"{url.scheme}://{url.root}", foreign=url.foreign)
    is_long = sent_bytes > SLOWEST * prepare_process().store_stall_timeout_s
    return _bucket(dataclasses.replace(url, key=""), sends=is_long)


def as_zarr(url: StoreURL, *, read_only: bool = True, follow_links: bool = False) -> Store:
    """Return a zarr-python store whose root is `url`.

    Parameters
    ----------
    follow_links
        Whether symbolic links below a local root are followed, which could lead anywhere.
    """
    # For users, and foreign zarr: voxlake itself does without.
    from zarr.storage import LocalStore

    from voxlake.platform.store.zarr.bucket import ZarrBucket

    if url.is_local and not follow_links:
        from voxlake.platform.store.zarr.folder import ZarrFolder

        return ZarrFolder(url.path, read_only=read_only)
    if url.is_local:
        return LocalStore(url.path, read_only=read_only)
    return ZarrBucket(_opened(url), read_only=read_only)


def as_tensorstore(url: StoreURL) -> dict[str, Any]:
    """Return the TensorStore kvstore spec of the prefix `url`.

    It follows symbolic links in a folder: what is read or written goes by `check_links` before.

    Who changes part of an object of a local store takes a `FileLock` first, besides the lock that
    TensorStore takes: see `empty_abandoned`.

    Raises
    ------
    UnsupportedError
        If TensorStore does not speak to it: see `is_in_tensorstore`.
    """
    settings = prepare_process()
    if url.foreign:
        check_host(url)
    if url.is_local:
        return {
            "driver": "file",
            "path": f"{url.path}/",
            "file_io_locking": {"mode": "os"},
            "file_io_sync": True,
        }
    # TensorStore's own waits double from 1 s: a refused connection would take a minute.
    retries = {
        "max_retries": settings.store_retries + 1,
        "initial_delay": "200ms",
        "max_delay": "4s",
    }
    if not url.is_listed:
        return {"driver": "http", "base_url": f"{url}/", "http_request_retries": retries}
    if url.scheme == "gs":
        return google_spec(url, settings, retries)
    if url.scheme == "az":
        return azure_spec(url, settings, retries)
    spec: dict[str, Any] = {
        "driver": "s3",
        "bucket": url.root,
        "path": f"{url.key}/" if url.key else "",
        "aws_region": url.region or "us-east-1",
        "aws_credentials": {
            "type": "anonymous" if url.foreign else _tensorstore_credentials(settings)
        },
        "s3_request_retries": retries,
    }
    if url.endpoint:
        spec["endpoint"] = url.endpoint
    return spec


def is_in_tensorstore(url: StoreURL) -> bool:
    """Return whether TensorStore reads it, which containers of Azure it does not if not public."""
    return url.scheme != "az" or is_anonymous(url, prepare_process())


def _tensorstore_credentials(settings: Settings) -> str:
    if settings.s3_anonymous:
        return "anonymous"
    return "environment" if "AWS_ACCESS_KEY_ID" in os.environ else "default"


@lru_cache(maxsize=64)
def _bucket(url: StoreURL, *, sends: bool) -> Bucket:
    return _opened(url, sends=sends)


def _opened(url: StoreURL, *, sends: bool = False) -> Bucket:
    """Return the handle of the prefix `url` of a bucket."""
    settings = prepare_process()
    patience = _patience(settings, url.endpoint if url.foreign else None, sends=sends)
    match url.scheme:
        case "gs":
            return google_bucket(url, settings, patience)
        case "az":
            return azure_container(url, settings, patience)
        case _:
            return _s3(url, settings, patience)


@lru_cache(maxsize=64)
def _host(address: str, *, foreign: bool) -> obstore.store.HTTPStore:
    how = _patience(prepare_process(), address if foreign else None)
    return obstore.store.HTTPStore.from_url(address, **how)


def _s3(url: StoreURL, settings: Settings, patience: dict[str, Any]) -> obstore.store.S3Store:
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    anonymous = settings.s3_anonymous or url.foreign
    # Obstore takes these from the environment too, where they are meant for other programs.
    options: dict[str, Any] = {
        "skip_signature": anonymous,
        "conditional_put": "etag",
        "s3_express": False,
    }
    if key and secret and not anonymous:
        options["access_key_id"] = key.get_secret_value()
        options["secret_access_key"] = secret.get_secret_value()
    if url.endpoint:
        options["endpoint"] = url.endpoint
    # TLS guards a body on its way; to sign it as well, all of it would be hashed first.
    encrypted = url.endpoint is None or url.endpoint.startswith("https://")
    return obstore.store.S3Store(
        url.root,
        prefix=url.key or None,
        region=url.region or "us-east-1",
        virtual_hosted_style_request=not url.endpoint,
        unsigned_payload=encrypted,
        **patience,
        **options,
    )


def _patience(
    settings: Settings, only: str | None = None, *, sends: bool = False
) -> dict[str, Any]:
    """Return how long obstore waits for a server, and how often it asks again.

    With `only`, the origin of the server, it connects to no other, as `outbound` says. It counts
    how long nothing comes from when a request begins, so what `sends` much has all of its time.
    """
    whole = settings.store_timeout_s
    stall = timedelta(seconds=whole if sends else settings.store_stall_timeout_s)
    proxy = {} if only is None else {"proxy_url": proxy_to(only)}
    return {
        "client_options": {
            "allow_http": True,
            "connect_timeout": timedelta(seconds=settings.store_connect_timeout_s),
            "read_timeout": stall,
            "timeout": timedelta(seconds=whole),
            **proxy,
        },
        "retry_config": {
            "max_retries": settings.store_retries,
            # A store that never answers is given up after two stalls, not after all retries.
            "retry_timeout": 2 * stall,
        },
    }
