"""Which version of zarr a node has is found by asking for its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.platform import store
from voxlake.platform.errors import StoreDeniedError

if TYPE_CHECKING:
    from voxlake.platform.store import Stored, StoreURL


def read_v3(url: StoreURL, v2_name: str) -> Stored | None:
    """Return the ``zarr.json`` of a node; None if there is none, and it is one of zarr v2 if any.

    To those who may not list a bucket, S3 refuses what is not there (403). So a refusal is believed
    only if the document `v2_name` of zarr v2 is not there either.

    Raises
    ------
    StoreDeniedError
        If nothing of the node may be read.
    """
    try:
        return store.read_if_there(url / "zarr.json")
    except StoreDeniedError:
        if store.exists(url / v2_name):
            return None
        raise
