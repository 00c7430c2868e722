"""What an OME-Zarr image says of its labels, cut to what an asker may see. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from voxlake.platform.errors import CorruptDataError

TELLING = frozenset(
    folder + name for folder in ("", "labels/") for name in ("zarr.json", ".zattrs", ".zmetadata")
)
"""Keys of the documents of an image that may name its labels."""
_LISTING = {"labels", "labels/.zattrs", ".zattrs"}
"""Paths, in consolidated metadata, of the group that lists labels."""


def only_labels(key: str, body: bytes, names: Mapping[str, str]) -> bytes:
    """Return the document at `key` of an image with nothing in it of labels that are not `names`.

    Lists of labels are cut (``attributes.ome.labels`` of NGFF 0.5, ``labels`` of 0.4), and what
    consolidated metadata hold of other labels. Where nothing is to be changed, the body stays as it
    is.

    Parameters
    ----------
    key, body
        The document as it is stored, which speaks of folders.
    names
        How the labels in each folder are called: renamed, they stay where they are.

    Raises
    ------
    CorruptDataError
        If it is no document of a zarr group.

    Examples
    --------
    >>> only_labels("labels/.zattrs", b'{"labels": ["cells", "draft"]}', {"cells": "nuclei"})
    b'{"labels": ["nuclei"]}'
    >>> only_labels(".zmetadata", b'{"metadata": {"labels/draft/.zgroup": {}}}', {"cells": "cells"})
    b'{"metadata": {}}'
    """
    try:
        document = json.loads(body)
        before = json.dumps(document)
        _cut_list(document, names)
        # Zarr v3 keeps them inside the document of a group, v2 in one of their own.
        inner = (document.get("consolidated_metadata") or document).get("metadata") or {}
        start = "" if key.startswith("labels/") else "labels/"
        for path in list(inner):
            if path in _LISTING:
                _cut_list(inner[path], names)
            elif path.startswith(start):
                held, renamed = inner.pop(path), _renamed(path.removeprefix(start), names)
                if renamed is not None:
                    inner[start + renamed] = held
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise CorruptDataError(f"{key} of the image is damaged ({error}); mend it") from error
    after = json.dumps(document)
    return body if after == before else after.encode()


def _renamed(path: str, names: Mapping[str, str]) -> str | None:
    """Return a path below the group of labels by their names; None if it leads into others."""
    folder, slash, rest = path.partition("/")
    if folder.startswith(".z"):
        return path
    return f"{names[folder]}{slash}{rest}" if folder in names else None


def _cut_list(document: dict[str, Any], names: Mapping[str, str]) -> None:
    """Cut the list of labels of a group in place, if it has one."""
    holder = (document.get("attributes") or {}).get("ome", document)
    if "labels" in holder:
        holder["labels"] = [names[name] for name in holder["labels"] if name in names]
