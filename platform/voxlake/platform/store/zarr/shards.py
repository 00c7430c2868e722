"""Shards by their keys below a zarr group: what is not stored is fill only if its array is there.

Who deletes an array deletes its document first. Readers that opened it before would take the shards
that are deleted then for fill: zeros that nobody wrote.
"""

from __future__ import annotations

import re

from voxlake.platform.errors import ConflictError

# "Chunk key encoding" default of zarr v3.
_SHARD = re.compile(r"(?:(.+)/)?c(?:/\d+)+|(?:(.+)/)?c(?:\.\d+)+")


def document_of_shard(key: str) -> str | None:
    """Return the key of the document of the zarr v3 array that has a shard at `key`.

    None if `key` is none of a shard.

    Examples
    --------
    >>> document_of_shard("labels/cells/0/c/0/1/2"), document_of_shard("c/0/0")
    ('labels/cells/0/zarr.json', 'zarr.json')
    >>> document_of_shard("0/zarr.json") is None
    True
    """
    found = _SHARD.fullmatch(key)
    if found is None:
        return None
    array = found[1] or found[2]
    return f"{array}/zarr.json" if array else "zarr.json"


def gone(where: str) -> ConflictError:
    """Return the error that the array of the shard at `where` is not there."""
    return ConflictError(
        f"{where} is no shard that could be fill: its array was deleted or replaced; open the "
        "dataset again"
    )
