"""Datasets: another name, another description."""

from __future__ import annotations

from anyio import to_thread

from voxlake.api.guard import Granted
from voxlake.documents.asked_of_places import CollectionChange
from voxlake.documents.dataset import DatasetSummary, dataset_summary
from voxlake.ngff.lake import keep_names
from voxlake.platform.access import Update


async def change(granted: Granted[Update], asked: CollectionChange) -> DatasetSummary:
    """Give a dataset another name in its experiment, or another description.

    Its group is told its name, too.
    """
    return await to_thread.run_sync(_change, granted, asked)


def _change(granted: Granted[Update], asked: CollectionChange) -> DatasetSummary:
    catalog, name = granted.gateway.catalog.signed(granted.asker), granted.record.name
    if asked.name not in (None, name.dataset):
        name = name.sibling(asked.name or "")
        catalog.move_dataset(granted.record.name, name)
        keep_names(granted.lake, [catalog.get_dataset(name)])
    if asked.description is not None:
        catalog.metadata.describe(name.parts, asked.description)
    return dataset_summary(catalog.get_dataset(name))
