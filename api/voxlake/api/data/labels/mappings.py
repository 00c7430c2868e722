"""The mappings of datasets, kept and brought up to date at each use."""

from __future__ import annotations

from functools import partial

from anyio import to_thread

from voxlake.api.http.again import read_again
from voxlake.ngff.labels.mapping.mapping import Mapping, open_mapping, refresh
from voxlake.ngff.memory.cache import Cached
from voxlake.platform.catalog import DatasetRecord
from voxlake.platform.store import StoreURL

_mappings = Cached[Mapping]("mappings to bodies")
_earlier = Cached[Mapping]("earlier mappings to bodies")


async def newest_mapping(record: DatasetRecord, index_url: StoreURL) -> Mapping:
    """Return the mapping as of now: one request if nothing has changed since it was asked for.

    Raises
    ------
    CorruptDataError, StoreError
        If what is stored is damaged, or the store fails.
    """
    # A dataset that was deleted and made anew has another record at the same address.
    key = index_url, record
    kept = _mappings.peek(key)
    find = partial(refresh, mapping=kept) if kept else open_mapping
    mapping = await read_again(partial(to_thread.run_sync, find, index_url))
    if kept is None or mapping.number > kept.number:
        _mappings.put(key, mapping, mapping.nbytes)
    return mapping


async def mapping_at(
    record: DatasetRecord, index_url: StoreURL, newest: Mapping, number: int
) -> Mapping:
    """Return the mapping as of a number up to that of the newest. Raises as `newest_mapping`."""
    if number == newest.number:
        return newest
    key = index_url, record, number
    kept = _earlier.peek(key)
    if kept is None:
        find = partial(open_mapping, index_url, number)
        kept = await read_again(partial(to_thread.run_sync, find))
        _earlier.put(key, kept, kept.nbytes)
    return kept
