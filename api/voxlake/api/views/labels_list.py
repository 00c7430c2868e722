"""The list of labels that an OME-Zarr image keeps, cut to what an asker may see. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from voxlake.platform.errors import CorruptDataError


def only_labels(body: bytes, names: Mapping[str, str]) -> bytes:
    """Return the document of a ``labels`` group with only those of its labels that are in `names`.

    It is the ``zarr.json`` of NGFF 0.5 (``attributes.ome.labels``) or the ``.zattrs`` of 0.4.

    Parameters
    ----------
    body
        The document as it is stored, which lists folders.
    names
        How the labels in each folder are called: renamed, they stay where they are.

    Raises
    ------
    CorruptDataError
        If it is neither.

    Examples
    --------
    >>> only_labels(b'{"labels": ["cells", "draft"]}', {"cells": "nuclei"})
    b'{"labels": ["nuclei"]}'
    """
    try:
        document = json.loads(body)
        holder: dict[str, Any] = document.get("attributes", {}).get("ome", document)
        if "labels" in holder:
            holder["labels"] = [names[name] for name in holder["labels"] if name in names]
    except (ValueError, AttributeError, TypeError) as error:
        raise CorruptDataError(f"the list of labels is damaged ({error}); mend it") from error
    return json.dumps(document).encode()
