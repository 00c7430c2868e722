"""Keys of shards: where the object of a shard lies below its array (zarr v2 and v3)."""

from __future__ import annotations

import re
from typing import Any


def shard_key(metadata: dict[str, Any], cell: tuple[int, ...]) -> str:
    """Return the key of a shard below its array (zarr v3, "chunk key encoding"; zarr v2)."""
    if metadata.get("zarr_format") == 2:
        return str(metadata.get("dimension_separator", ".")).join(map(str, cell))
    encoding = metadata.get("chunk_key_encoding", {"name": "default"})
    default = encoding["name"] == "default"
    separator = encoding.get("configuration", {}).get("separator", "/" if default else ".")
    parts = [*(["c"] if default else []), *map(str, cell)]
    return str(separator).join(parts)


def cell_of_key(metadata: dict[str, Any], key: str) -> tuple[int, ...] | None:
    """Return the cell of the shard at a key below its array; None if it is the key of none.

    Examples
    --------
    >>> metadata = {"zarr_format": 2, "dimension_separator": "/"}
    >>> cell_of_key(metadata, "3/0/12"), cell_of_key(metadata, "3/00/12")
    ((3, 0, 12), None)
    """
    cell = tuple(int(digits) for digits in re.findall(r"[0-9]+", key))
    return cell if shard_key(metadata, cell) == key else None
