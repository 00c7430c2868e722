"""The mappings of datasets, kept and brought up to date at each use."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from anyio import to_thread

from voxlake.ngff.labels.mapping import Mapping, open_mapping, refresh
from voxlake.platform.catalog import DatasetRecord
from voxlake.platform.store import StoreURL

KEPT = 16
"""Mappings in memory, 16 bytes for each supervoxel that is mapped."""


class Mappings:
    """Remembers the newest mappings that were asked for. For one event loop."""

    def __init__(self, size: int = KEPT) -> None:
        self.size = size
        self._known: OrderedDict[DatasetRecord, Mapping] = OrderedDict()

    async def newest(self, record: DatasetRecord, index_url: StoreURL) -> Mapping:
        """Return the mapping as of now: one request if nothing has changed.

        Raises
        ------
        CorruptDataError, StoreError
            If what is stored is damaged, or the store fails.
        """
        known = self._known.get(record)
        find = partial(open_mapping, index_url) if known is None else partial(refresh, index_url)
        found = await to_thread.run_sync(find, *(() if known is None else (known,)))
        # Another request may have found a newer one meanwhile.
        kept = max(found, self._known.get(record, found), key=lambda mapping: mapping.number)
        self._known[record] = kept
        self._known.move_to_end(record)
        while len(self._known) > self.size:
            self._known.popitem(last=False)
        return kept
