"""Stores: one address type, adapters for each library, whole objects, and the self-test.

The only place that knows schemes, endpoints and credentials. What needs TensorStore itself is not
named here, because it takes as long to load as all else: `store.update`, `store.selftest`.
"""

from voxlake.platform.store.adapters import as_obstore, as_tensorstore, as_zarr
from voxlake.platform.store.growing import GrowingObject, grow
from voxlake.platform.store.info import ObjectInfo, Stored
from voxlake.platform.store.local.files import check_absent, check_links, etag_of_file, list_links
from voxlake.platform.store.local.lock import FileLock, empty_abandoned
from voxlake.platform.store.local.partial import is_leftover
from voxlake.platform.store.local.sweep import leftovers, sweep
from voxlake.platform.store.objects import (
    check_put_size,
    create,
    delete,
    delete_tree,
    exists,
    head,
    keeps_versions,
    last_object,
    list_children,
    read,
    read_if_there,
    replace,
    state_of,
    walk,
    write,
    write_derived,
)
from voxlake.platform.store.ranges import RangeReader, open_ranges, read_range, read_ranges
from voxlake.platform.store.requests import begin, prepare_runtime
from voxlake.platform.store.s3.awaited import (
    ask_end,
    ask_head,
    ask_parts,
    ask_signed,
    ask_start,
    ask_stream,
)
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
    "ask_end",
    "ask_head",
    "ask_parts",
    "ask_signed",
    "ask_start",
    "ask_stream",
    "begin",
    "check_absent",
    "check_links",
    "check_put_size",
    "create",
    "delete",
    "delete_tree",
    "empty_abandoned",
    "etag_of_file",
    "exists",
    "grow",
    "head",
    "is_leftover",
    "keeps_versions",
    "last_object",
    "leftovers",
    "list_children",
    "list_links",
    "open_ranges",
    "prepare_runtime",
    "read",
    "read_if_there",
    "read_range",
    "read_ranges",
    "replace",
    "state_of",
    "sweep",
    "walk",
    "write",
    "write_derived",
]
