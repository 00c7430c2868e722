"""The grammar of keys below a dataset: what ``/zarr`` lets through to the store."""

from __future__ import annotations

import re

from voxlake.platform.errors import InvalidNameError

MAX_KEY = 1024
"""Longest key, the limit of S3."""

# Names that begin with a dot are the store's and ours (temporary files, ".voxlake"), except the
# four documents of zarr v2.
PART = (
    r"(?:\.z(?:array|attrs|group|metadata)|"
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.+=@~, -]{0,253}[A-Za-z0-9_])?)"
)
"""Pattern of a part of a key."""
_PART = re.compile(PART)
_CHUNK = re.compile(r"(?:^|/)(?:c(?:[/.]\d+)+|\d+(?:[/.]\d+)+|-?\d+--?\d+(?:_-?\d+--?\d+){2})\Z")
"""Ends of keys of chunks: zarr v3, zarr v2, precomputed."""


def check_key(key: str) -> str:
    """Return `key` if it may name an object below a dataset.

    Raises
    ------
    InvalidNameError
        If a part is empty, ``.`` or ``..``, begins with a dot, or has other characters than
        letters, digits and ``_.+=@~, -``.

    Examples
    --------
    >>> check_key("labels/cells/0/c/0/0/0")
    'labels/cells/0/c/0/0/0'
    """
    if not is_key(key):
        raise InvalidNameError(
            f"key {key[:80]!r} cannot name an object of a dataset; ask for zarr.json or a chunk"
        )
    return key


def is_key(key: str) -> bool:
    """Return whether `key` may name an object below a dataset.

    Examples
    --------
    >>> is_key("0/c/0/0/0"), is_key("../0"), is_key(".voxlake")
    (True, False, False)
    """
    return len(key) <= MAX_KEY and all(map(_PART.fullmatch, key.split("/")))


def is_chunk_key(key: str) -> bool:
    """Return whether a key is one of a chunk or shard, in any view: absent ones are fill.

    Examples
    --------
    >>> is_chunk_key("0/c/0/0/0"), is_chunk_key("labels/cells/0/1/2/3"), is_chunk_key("0/zarr.json")
    (True, True, False)
    >>> is_chunk_key("0/0-64_64-128_0-5"), is_chunk_key("0")
    (True, False)
    """
    return _CHUNK.search(key) is not None


def labels_key(key: str) -> tuple[str, str] | None:
    """Split a key of an image that lies in one of its labels: (name of the labels, key below).

    Examples
    --------
    >>> labels_key("labels/cells/0/zarr.json")
    ('cells', '0/zarr.json')
    >>> labels_key("labels/zarr.json") is None
    True
    """
    parts = key.split("/", 2)
    if len(parts) < 3 or parts[0] != "labels":
        return None
    return parts[1], parts[2]
