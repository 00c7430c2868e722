"""Datasets: another name, another description."""

from __future__ import annotations

from anyio import to_thread

from voxlake.api.guard import Granted
from voxlake.documents.asked_of_places import CollectionChange, ProvenanceQuestion
from voxlake.documents.dataset import (
    DatasetSummary,
    ProvenanceDocument,
    dataset_summary,
    provenance_document,
)
from voxlake.ngff.lake import keep_names
from voxlake.platform.access import Read, Update
from voxlake.platform.names import DatasetName


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


async def get_provenance(granted: Granted[Read]) -> ProvenanceDocument:
    """Return where a dataset came from, as far as the asker may know."""
    asked = granted.record.name, granted.access.principal
    catalog = granted.gateway.catalog
    return provenance_document(await to_thread.run_sync(catalog.provenance.get, *asked))


async def put_provenance(granted: Granted[Update], asked: ProvenanceQuestion) -> ProvenanceDocument:
    """Say which datasets one was made from and has to do with."""
    name, who = granted.record.name, granted.access.principal
    provenance = granted.gateway.catalog.signed(granted.asker).provenance
    made_from, related = (
        frozenset(map(DatasetName.parse, names)) for names in (asked.sources, asked.related)
    )
    await to_thread.run_sync(provenance.put, name, who, made_from, related)
    return provenance_document(await to_thread.run_sync(provenance.get, name, who))
