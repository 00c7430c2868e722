"""The bytes of a dataset at a gateway as a store of zarr, whose token stays in this process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, override
from urllib.parse import urlsplit

import obstore.store
from zarr.storage import ObjectStore

from voxlake.client.arrays.direct import open_bucket
from voxlake.client.http.connection import is_on_this_machine
from voxlake.client.http.credentials import find
from voxlake.platform.errors import UnauthenticatedError
from voxlake.platform.settings import Settings
from voxlake.platform.store.process import prepare_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import ClientConfig


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a dataset come from, and by which token."""

    gateway: str
    name: str
    token: str = field(repr=False)
    """Empty: none."""
    direct: bool
    """Whether from the store of the gateway, with keys that it gives."""
    send_token: bool
    """Whether the token goes to other processes with what is pickled."""

    def open(self) -> StoreAtGateway:
        """Open the group of the dataset."""
        if self.direct:
            lies: Any = open_bucket(self.gateway, self.name, self.token)
        else:
            lies = open_http(f"{self.gateway}/zarr/{self.name}", self.token)
        return StoreAtGateway(lies, self)


class StoreAtGateway(ObjectStore[Any]):
    """A group at a gateway, read only.

    Pickled, it has no token unless it is asked to: the process that unpickles it finds its own.
    """

    def __init__(self, store: Any, origin: Origin) -> None:
        super().__init__(store, read_only=True)
        self.origin = origin

    @override
    def with_read_only(self, read_only: bool = False) -> Self:
        return self  # nothing is written by it

    def __reduce__(self) -> tuple[Callable[[Origin], StoreAtGateway], tuple[Origin]]:
        if self.origin.send_token or not self.origin.token:
            return Origin.open, (self.origin,)
        return _open_by_own_token, (replace(self.origin, token=""),)


def _open_by_own_token(origin: Origin) -> StoreAtGateway:
    """Open what another process opened by a token, by that of this process."""
    own = find(origin.gateway)
    if own is None:
        raise UnauthenticatedError(
            f"{origin.name} of {origin.gateway} was opened by a token, which is not sent to other "
            "processes, and this one has none: set VOXLAKE_GATEWAY and VOXLAKE_TOKEN where it "
            "runs, or open the dataset with send_token=True if all that see its tasks may have it"
        )
    return replace(origin, token=own.secret).open()


def open_http(address: str, token: str) -> obstore.store.HTTPStore:
    """Return the bytes of a dataset as its gateway serves them."""
    prepare_process()  # which tells obstore whose certificates are believed
    settings = Settings()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # A proxy that is named here stands in for those of the environment, and is passed by.
    host = urlsplit(address).hostname or ""
    direct: ClientConfig = (
        {"proxy_url": address, "proxy_excludes": host} if is_on_this_machine(address) else {}
    )
    return obstore.store.HTTPStore.from_url(
        address,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=settings.store_connect_timeout_s),
            "read_timeout": timedelta(seconds=settings.store_stall_timeout_s),
            "timeout": timedelta(seconds=settings.store_timeout_s),
            "default_headers": headers,
            **direct,
        },
        retry_config={"max_retries": settings.store_retries},
    )
