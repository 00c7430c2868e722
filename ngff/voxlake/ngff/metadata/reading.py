"""Read the metadata of an OME-Zarr group, whichever version wrote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from voxlake.ngff.grid.reduction import DESCRIPTIONS
from voxlake.ngff.metadata import v04, v06
from voxlake.ngff.metadata.seal import require_seal
from voxlake.platform import store
from voxlake.platform.errors import (
    UNREADABLE,
    CorruptDataError,
    NotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from voxlake.ngff.metadata.model import Multiscale
    from voxlake.platform.store import StoreURL

READABLE = ("0.4", "0.5", "0.6")


def read_multiscale(url: StoreURL) -> Multiscale:
    """Return the first multiscale of the OME-Zarr group at `url`.

    Raises
    ------
    NotFoundError
        If there is no zarr group.
    UnsupportedError
        If it is no OME-Zarr image, or of a version that voxlake does not read.
    CorruptDataError
        If its metadata does not follow the specification.
    """
    document = _ome_attributes(url)
    first = _first_multiscale(url, document)
    version = _version(url, document.get("version") or first.get("version"))
    model = v06.MultiscaleDocument if version == "0.6" else v04.MultiscaleDocument
    try:
        parsed = model.model_validate(first)
        return parsed.to_multiscale(version, is_labels="image-label" in document)
    except UnsupportedError:
        raise
    except ValueError as error:  # of pydantic, or of the model
        raise CorruptDataError(f"the metadata of {url} break NGFF {version}: {error}") from error


def is_ours(url: StoreURL) -> bool:
    """Return whether voxlake made the group at `url`: it says in voxlake's words how levels are.

    What voxlake did not make, or what is damaged so that nobody knows, is not mended.
    """
    try:
        first = _first_multiscale(url, _ome_attributes(url))
    except UNREADABLE:
        return False
    said = first.get("metadata")
    return isinstance(said, dict) and said.get("description") in DESCRIPTIONS.values()


def read_labels_names(url: StoreURL) -> list[str]:
    """Return the names in the ``labels`` group of the image at `url`; none if it has none.

    Raises
    ------
    CorruptDataError
        If the group has something else for a list of names.
    """
    try:
        names = _ome_attributes(url / "labels").get("labels", [])
    except NotFoundError:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CorruptDataError(f"{url / 'labels'} lists {names!r}, which are no names of labels")
    return names


def _ome_attributes(url: StoreURL) -> dict[str, Any]:
    """Return what zarr v3 keeps under ``attributes.ome`` and zarr v2 in ``.zattrs``."""
    v3 = _read_json(url / "zarr.json")
    if v3 is not None:
        require_seal(v3, url / "zarr.json")
        ome = (v3.get("attributes") or {}).get("ome", {})
        if not isinstance(ome, dict):
            raise CorruptDataError(f"attributes.ome of {url / 'zarr.json'} is no object")
        return ome
    v2 = _read_json(url / ".zattrs")
    if v2 is None and _read_json(url / ".zgroup") is None:
        raise NotFoundError(f"{url} holds no zarr group; check the address")
    return v2 or {}


def _read_json(url: StoreURL) -> dict[str, Any] | None:
    """Return the object in the document at `url`; None if there is no document."""
    stored = store.read_if_there(url)
    if stored is None:
        return None
    try:
        document = json.loads(stored.body)
    except ValueError as error:
        raise CorruptDataError(f"{url} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise CorruptDataError(f"{url} is JSON, but no object")
    return document


def _first_multiscale(url: StoreURL, document: dict[str, Any]) -> dict[str, Any]:
    match document.get("multiscales"):
        case None:
            raise UnsupportedError(
                f"{url} is a zarr group without multiscales, not an OME-Zarr image"
            )
        case [dict() as first, *_]:
            return first
        case _:
            raise CorruptDataError(f"multiscales of {url} is no list of one object or more")


def _version(url: StoreURL, found: object) -> str:
    said = str(found or "0.4")
    for version in READABLE:
        if said == version or said.startswith((f"{version}.", f"{version}rc", f"{version}-")):
            return version
    raise UnsupportedError(f"{url} is OME-Zarr {said}; voxlake reads {', '.join(READABLE)}")
