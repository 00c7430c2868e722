"""What an OME-Zarr group says of its levels, cut to those that an asker may read. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from voxlake.platform.errors import CorruptDataError


def only_levels(body: bytes, paths: Collection[str]) -> bytes:
    """Return a document of a group with no level in it whose path is not one of `paths`.

    Lists of levels are cut (``multiscales`` of every NGFF), and what consolidated metadata hold of
    other arrays.

    Raises
    ------
    CorruptDataError
        If it is no document of a zarr group.

    Examples
    --------
    >>> only_levels(b'{"multiscales": [{"datasets": [{"path": "0"}, {"path": "1"}]}]}', ["1"])
    b'{"multiscales": [{"datasets": [{"path": "1"}]}]}'
    """
    try:
        document = json.loads(body)
        _cut(document, paths)
        # Zarr v3 keeps them inside the document of a group, v2 in one of their own.
        inner = (document.get("consolidated_metadata") or document).get("metadata") or {}
        for path in list(inner):
            if path == ".zattrs":
                _cut(inner[path], paths)
            elif path != ".zgroup" and not any(f"{path}/".startswith(f"{one}/") for one in paths):
                del inner[path]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise CorruptDataError(f"a document of the group is damaged ({error}); mend it") from error
    return json.dumps(document).encode()


def _cut(document: dict[str, Any], paths: Collection[str]) -> None:
    attributes = document.get("attributes") or {}
    for holder in (document, attributes, attributes.get("ome") or {}):
        for multiscale in holder.get("multiscales") or ():
            kept = [each for each in multiscale["datasets"] if each["path"] in paths]
            multiscale["datasets"] = kept
