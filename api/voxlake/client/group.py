"""Open the OME-Zarr group behind an address: on a store, or at a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore.store

from voxlake.client.connection import is_on_this_machine
from voxlake.client.direct import open_bucket
from voxlake.client.gateway import Gateway
from voxlake.ngff.making import is_whole
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, as_zarr

if TYPE_CHECKING:
    import zarr
    from obstore.store import ClientConfig
    from zarr.abc.store import Store

    from voxlake.ngff.metadata.model import Level, Multiscale

ZARR_PATH = "/zarr/"
"""What comes before the name of a dataset in the URL of its bytes at a gateway."""


@dataclass(frozen=True, slots=True)
class Group:
    """An OME-Zarr group, ready to be read with zarr-python."""

    address: str
    multiscale: Multiscale
    store: Store
    """Its root is the group."""
    whole: bool = True
    """False: its ingest has not ended, and what is not written yet reads as fill."""

    def level(self, number: int) -> Level:
        """Return the metadata of a level; raise OutOfBoundsError if there is none."""
        levels = self.multiscale.levels
        if not 0 <= number < len(levels):
            raise OutOfBoundsError(
                f"level {number} of {self.address} was asked for; it has levels 0 to "
                f"{len(levels) - 1}"
            )
        return levels[number]

    def array(self, number: int) -> zarr.Array[Any]:
        """Open the array of a level."""
        # Takes as long to load as all else, and most of the client does without.
        import zarr

        return zarr.open_array(self.store, path=self.level(number).path, mode="r")


def open_group(address: str, token: str | None = None, *, direct: bool = False) -> Group:
    """Open the group at `address`.

    Parameters
    ----------
    address
        A folder, ``memory://`` or ``s3://`` URL of an OME-Zarr group; or ``.../zarr/COLLECTION/
        EXPERIMENT/DATASET`` at a gateway.
    token
        Bearer token for the gateway; None for the one that ``voxlake login`` keeps, if it keeps
        one; empty to ask anonymously.
    direct
        Whether voxels at a gateway are read from its store itself, with keys that it gives for
        that.

    Raises
    ------
    NotFoundError, UnauthenticatedError, UnsupportedError, CorruptDataError, StoreError
        If there is none, or it cannot be read.
    InvalidInputError
        If the address is malformed, or a token is given for a store.
    """
    if address.startswith(("http://", "https://")):
        return _open_at_gateway(address.rstrip("/"), token, direct=direct)
    if token is not None:
        raise InvalidInputError(
            f"a token was given for {address}, which is no gateway; stores take VOXLAKE_S3_* or "
            "AWS_* variables"
        )
    url = StoreURL.parse(address)
    return Group(address, read_multiscale(url), as_zarr(url), is_whole(url))


def _open_at_gateway(address: str, token: str | None, *, direct: bool) -> Group:
    # Takes as long to load as all else, and most of the client does without.
    from zarr.storage import ObjectStore

    base, separator, name = address.rpartition(ZARR_PATH)
    if not separator:
        raise InvalidInputError(
            f"{address} is no dataset of a gateway; give https://HOST/zarr/COLLECTION/EXPERIMENT/"
            "DATASET"
        )
    with Gateway(base, token) as gateway:
        info = gateway.info(name)
    token = gateway.token or ""
    lies = open_bucket(base, name, token) if direct else _http(address, token)
    opened = ObjectStore(lies, read_only=True)
    return Group(address, info.multiscale, opened, info.whole)


def _http(address: str, token: str) -> obstore.store.HTTPStore:
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
