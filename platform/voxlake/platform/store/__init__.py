"""Stores: one address type, adapters for each library, whole objects, and the self-test.

The only place that knows schemes, endpoints and credentials.
"""

from voxlake.platform.store.adapters import as_obstore, as_tensorstore, as_zarr
from voxlake.platform.store.growing import GrowingObject, grow
from voxlake.platform.store.lock import FileLock, empty_abandoned
from voxlake.platform.store.objects import (
    ObjectInfo,
    Stored,
    create,
    delete,
    delete_tree,
    head,
    list_children,
    read,
    read_range,
    walk,
    write,
)
from voxlake.platform.store.ranges import RangeReader, open_ranges
from voxlake.platform.store.sweep import is_leftover, leftovers, sweep
from voxlake.platform.store.update import update
from voxlake.platform.store.url import StoreURL

__all__ = [
    "FileLock",
    "GrowingObject",
    "ObjectInfo",
    "RangeReader",
    "StoreURL",
    "Stored",
    "as_obstore",
    "as_tensorstore",
    "as_zarr",
    "create",
    "delete",
    "delete_tree",
    "empty_abandoned",
    "grow",
    "head",
    "is_leftover",
    "leftovers",
    "list_children",
    "open_ranges",
    "read",
    "read_range",
    "sweep",
    "update",
    "walk",
    "write",
]
