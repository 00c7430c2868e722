"""Stored bytes of a dataset from its store itself, with keys that its gateway gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore.store

from voxlake.client.gateway import Gateway
from voxlake.platform.settings import Settings
from voxlake.platform.store.process import prepare_process

if TYPE_CHECKING:
    from obstore.store import S3Credential


@dataclass(frozen=True, slots=True)
class KeysOfGateway:
    """Asks a gateway for keys of one dataset: obstore does so whenever those it has end."""

    gateway: str
    name: str
    token: str | None = field(repr=False)

    def __call__(self) -> S3Credential:
        """Return keys that are good for a while."""
        with Gateway(self.gateway, self.token) as gateway:
            keys = gateway.credentials(self.name)
        return {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "token": keys.session_token,
            "expires_at": keys.expires_at,
        }


def open_bucket(gateway: str, name: str, token: str | None) -> obstore.store.S3Store:
    """Return the store of a dataset's group, with keys that are renewed before they end.

    Raises
    ------
    UnsupportedError
        If the gateway gives no keys.
    """
    with Gateway(gateway, token) as asked:
        where = asked.credentials(name)
    prepare_process()  # which tells obstore whose certificates are believed
    settings = Settings()
    return obstore.store.S3Store(
        where.bucket,
        prefix=where.prefix,
        endpoint=where.endpoint,
        region=where.region,
        virtual_hosted_style_request=where.endpoint is None,
        credential_provider=KeysOfGateway(gateway, name, token),
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=settings.store_connect_timeout_s),
            "read_timeout": timedelta(seconds=settings.store_stall_timeout_s),
            "timeout": timedelta(seconds=settings.store_timeout_s),
        },
        retry_config={"max_retries": settings.store_retries},
    )
