"""Seals: a checksum in a metadata document, over all in it that decides how voxels are read.

A flipped bit in a ``zarr.json`` is seldom a syntax error: one turns the separator ``/`` of the keys
into ``.``, and every shard is "not stored". The seal lies under ``attributes.voxlake`` and does not
cover the attributes of others, who may add what they like.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import google_crc32c

from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

_OME = ("version", "multiscales", "image-label")
"""What of ``attributes.ome`` is sealed: what voxlake reads."""

MARK = ("made_by", "whole")
"""What of ``attributes.voxlake`` is sealed: who makes a dataset, and whether it is whole."""


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a zarr v3 group or array with its seal.

    Examples
    --------
    >>> document = sealed({"zarr_format": 3, "node_type": "group"})
    >>> document["attributes"]
    {'voxlake': {'seal': 'crc32c:f7d27b31'}}
    >>> check_seal(document), check_seal(document | {"zarr_format": 2}), check_seal({})
    (True, False, None)
    """
    attributes = document.get("attributes") or {}
    ours = {**attributes.get("voxlake", {}), "seal": _seal(document)}
    return {**document, "attributes": {**attributes, "voxlake": ours}}


def check_seal(document: dict[str, Any]) -> bool | None:
    """Return whether the document is as it was when it was sealed; None if it has no seal."""
    attributes = document.get("attributes")
    ours = attributes.get("voxlake") if isinstance(attributes, dict) else None
    found = ours.get("seal") if isinstance(ours, dict) else None
    return None if found is None else found == _seal(document)


def require_seal(document: dict[str, Any], url: StoreURL) -> None:
    """Raise CorruptDataError if the document, of the object at `url`, is not as it was sealed."""
    if check_seal(document) is False:
        raise CorruptDataError(
            f"{url} is not what voxlake wrote: damaged, or changed by another program; restore it, "
            "or if the change was meant, take it for right with: voxlake fsck NAME --seal"
        )


def _seal(document: dict[str, Any]) -> str:
    covered = {key: value for key, value in document.items() if key != "attributes"}
    attributes = document.get("attributes") or {}
    for name, keys in (("ome", _OME), ("voxlake", MARK)):
        found = attributes.get(name)
        # Of "voxlake" nothing, if there is nothing: so are documents sealed that bear no mark.
        if isinstance(found, dict) and (name == "ome" or not found.keys().isdisjoint(keys)):
            covered[name] = {key: found[key] for key in keys if key in found}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return f"crc32c:{google_crc32c.value(text.encode()):08x}"
