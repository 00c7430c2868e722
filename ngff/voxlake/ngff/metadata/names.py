"""The name of a dataset that does not lie where its name says, as its group keeps it.

A dataset that is renamed stays where it is, and one that is new may have the name of another that
was: the catalog knows. A group then says so too, so that a catalog can be made anew from the store.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from voxlake.ngff.metadata.writing import encoded
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, InvalidNameError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


def named(key: str, name: DatasetName) -> dict[str, Any]:
    """Return what the attributes of the group at `key` hold under ``voxlake.named``.

    It says where it lies, too: a group that was copied by hand is not the one that was renamed.
    """
    return {"at": key, "name": str(name)}


def kept_name(lake: StoreURL, key: str) -> DatasetName | None:
    """Return the name that the group at `key` says it has; None if its path says it."""
    stored = store.read_if_there(lake / key / "zarr.json")
    try:
        kept = json.loads(stored.body)["attributes"]["voxlake"]["named"] if stored else {}
        return DatasetName.parse(kept["name"]) if kept["at"] == key else None
    except (LookupError, TypeError, ValueError, AttributeError, InvalidNameError):
        return None


def keep_name(lake: StoreURL, key: str, name: DatasetName) -> None:
    """Let the group at `key` say what it is called; one of zarr v2 is left as it is.

    Raises
    ------
    CorruptDataError
        If its metadata are no JSON object.
    """
    # TensorStore takes as long to load as all else.
    from voxlake.platform.store.update import update

    url = lake / key / "zarr.json"
    if store.exists(url):
        update(url, partial(_renamed, key, name))


def _renamed(key: str, name: DatasetName, body: bytes | None) -> bytes:
    try:
        document = json.loads(body or b"{}")
        attributes = document.setdefault("attributes", {})
        attributes.setdefault("voxlake", {})["named"] = named(key, name)
    except (ValueError, AttributeError, TypeError) as error:
        raise CorruptDataError(f"{key}/zarr.json is no zarr document; restore it") from error
    return encoded(document)
