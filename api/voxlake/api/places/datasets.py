"""Datasets: another name or description, where they came from, and their deletion."""

from __future__ import annotations

from anyio import to_thread

from voxlake.api.guard import Granted
from voxlake.documents.asked_of_places import CollectionChange, ProvenanceQuestion
from voxlake.documents.dataset import (
    DatasetSummary,
    DeletionDocument,
    ProvenanceDocument,
    dataset_summary,
    provenance_document,
)
from voxlake.ngff.lake import keep_names, labels_folders, lies_elsewhere, place_of
from voxlake.platform.access import Delete, Read, Update
from voxlake.platform.errors import ConflictError
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


async def remove(granted: Granted[Delete], *, with_labels: bool) -> DeletionDocument:
    """Hide a dataset, and leave it to a worker to delete it from the store."""
    return await to_thread.run_sync(_remove, granted, with_labels)


def _remove(granted: Granted[Delete], with_labels: bool) -> DeletionDocument:  # noqa: FBT001
    catalog, record = granted.gateway.catalog.signed(granted.asker), granted.record
    if not with_labels and record.of is None and not lies_elsewhere(record):
        known = {place_of(each).key.rpartition("/")[2] for each in catalog.labels_of(record.name)}
        if strange := set(labels_folders(granted.lake / record.url)) - known:
            raise ConflictError(
                f"labels lie inside {record.name} that the catalog does not know "
                f"({len(strange)}), and would go with it; delete them too: with_labels"
            )
    who = granted.access.principal
    job, labels = catalog.deletion.begin(record.name, who, with_labels=with_labels)
    return DeletionDocument(
        removing=str(record.name), labels=tuple(str(each.name) for each in labels), job=job.id
    )
