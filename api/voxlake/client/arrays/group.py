"""Open the OME-Zarr group behind an address: on a store, or at a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.client.gateway import Gateway
from voxlake.ngff.making.unfinished import is_whole
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError
from voxlake.platform.store import StoreURL, as_zarr

if TYPE_CHECKING:
    import zarr
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


def open_group(
    address: str, token: str | None = None, *, direct: bool = False, send_token: bool = False
) -> Group:
    """Open the group at `address`.

    Parameters
    ----------
    address
        An OME-Zarr group: a folder, or a URL of ``memory://``, ``s3://``, ``gs://`` or ``az://``;
        or ``.../zarr/COLLECTION/EXPERIMENT/DATASET`` at a gateway.
    token
        Bearer token for the gateway; None for the one that ``voxlake login`` keeps, if it keeps
        one; empty to ask anonymously.
    direct
        Whether voxels at a gateway are read from its store itself, with keys that it gives for
        that.
    send_token
        Whether the token goes to other processes with what is pickled, such as tasks for the
        workers of a Dask cluster.

    Raises
    ------
    NotFoundError, UnauthenticatedError, UnsupportedError, CorruptDataError, StoreError
        If there is none, or it cannot be read.
    InvalidInputError
        If the address is malformed, or a token is given for a store.
    """
    if address.startswith(("http://", "https://")):
        return _open_at_gateway(address.rstrip("/"), token, direct=direct, send_token=send_token)
    if token is not None:
        raise InvalidInputError(
            f"a token was given for {address}, which is no gateway; stores take VOXLAKE_S3_* or "
            "AWS_* variables"
        )
    url = StoreURL.parse(address)
    return Group(address, read_multiscale(url), as_zarr(url), is_whole(url))


def _open_at_gateway(address: str, token: str | None, *, direct: bool, send_token: bool) -> Group:
    # Takes as long to load as all else, and most of the client does without.
    from voxlake.client.arrays.gateway_store import Origin

    base, separator, name = address.rpartition(ZARR_PATH)
    if not separator:
        raise InvalidInputError(
            f"{address} is no dataset of a gateway; give https://HOST/zarr/COLLECTION/EXPERIMENT/"
            "DATASET"
        )
    with Gateway(base, token) as gateway:
        info = gateway.info(name)
    origin = Origin(base, name, gateway.token or "", direct=direct, send_token=send_token)
    return Group(address, info.multiscale, origin.open(), info.whole)
