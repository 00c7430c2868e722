"""Read the metadata of an OME-Zarr group, whichever version wrote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from voxlake.ngff.metadata import v04, v06
from voxlake.platform import store
from voxlake.platform.errors import (
    CorruptDataError,
    NotFoundError,
    ObjectNotFoundError,
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
    if "multiscales" not in document:
        raise UnsupportedError(f"{url} is a zarr group without multiscales, not an OME-Zarr image")
    version = _version(url, document)
    model = v06.MultiscaleDocument if version == "0.6" else v04.MultiscaleDocument
    try:
        parsed = model.model_validate(document["multiscales"][0])
        return parsed.to_multiscale(version, is_labels="image-label" in document)
    except (ValidationError, ValueError, IndexError, KeyError) as error:
        if isinstance(error, UnsupportedError):
            raise
        raise CorruptDataError(f"the metadata of {url} break NGFF {version}: {error}") from error


def read_labels_names(url: StoreURL) -> list[str]:
    """Return the names in the ``labels`` group of the image at `url`; none if it has none."""
    try:
        document = _ome_attributes(url / "labels")
    except NotFoundError:
        return []
    return [str(name) for name in document.get("labels", [])]


def _ome_attributes(url: StoreURL) -> dict[str, Any]:
    """Return what zarr v3 keeps under ``attributes.ome`` and zarr v2 in ``.zattrs``."""
    try:
        attributes = _read_json(url / "zarr.json").get("attributes", {})
        return dict(attributes.get("ome", {}))
    except ObjectNotFoundError:
        pass
    try:
        return _read_json(url / ".zattrs")
    except ObjectNotFoundError as error:
        raise NotFoundError(f"{url} holds no zarr group; check the address") from error


def _read_json(url: StoreURL) -> dict[str, Any]:
    try:
        document = json.loads(store.read(url).body)
    except ValueError as error:
        raise CorruptDataError(f"{url} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise CorruptDataError(f"{url} is JSON, but no object")
    return document


def _version(url: StoreURL, document: dict[str, Any]) -> str:
    inner = document["multiscales"][0] if document["multiscales"] else {}
    said = str(document.get("version") or inner.get("version") or "0.4")
    for version in READABLE:
        if said == version or said.startswith((f"{version}.", f"{version}rc", f"{version}-")):
            return version
    raise UnsupportedError(f"{url} is OME-Zarr {said}; voxlake reads {', '.join(READABLE)}")
