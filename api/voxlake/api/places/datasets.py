"""Datasets: listed, made empty, called otherwise, where they came from, and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anyio import to_thread

from voxlake.api.guards.askers import Asker, GrantedPlace
from voxlake.api.guards.datasets import Granted, list_granted
from voxlake.documents.datasets.dataset import (
    DatasetList,
    DatasetSummary,
    DeletionDocument,
    ProvenanceDocument,
    dataset_summary,
    provenance_document,
)
from voxlake.documents.places.asked import (
    CollectionChange,
    EmptyQuestion,
    ProvenanceQuestion,
)
from voxlake.ngff.grid.axes import TimeStep, VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent
from voxlake.ngff.lake import keep_names, labels_folders, lies_elsewhere
from voxlake.ngff.making.empty import EmptyDataset, make_empty
from voxlake.platform.access import Add, Delete, Read, Right, Update
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data.node_records import Page
from voxlake.platform.catalog.data.record import DatasetFilter
from voxlake.platform.errors import ConflictError, InvalidInputError
from voxlake.platform.names import DatasetName


@dataclass(frozen=True, slots=True)
class WantedDatasets:
    """Which datasets are to be listed."""

    right: type[Right] = Read
    """What the asker is to be allowed there."""
    collection: str | None = None
    kind: Literal["image", "labels"] | None = None
    words: str = ""


async def list_page(
    asker: Asker, limit: int, after: str, wanted: WantedDatasets = WantedDatasets()
) -> DatasetList:
    """Return a page of the datasets that the asker may use so, by name; `after` is one of them."""
    page = Page(limit + 1, tuple(after.split("/")) if after else ())
    where = DatasetFilter(wanted.kind, wanted.words)
    who = asker.gateway, asker.principal, wanted.right
    found = await list_granted(*who, (wanted.collection, None), page, where)
    shown = tuple(dataset_summary(each.record) for each in found[:limit])
    return DatasetList(datasets=shown, next=shown[-1].name if len(found) > limit else None)


async def add(
    granted: GrantedPlace[Add],
    name: str,
    asked: EmptyQuestion,
    state: DatasetState = DatasetState.READY,
) -> DatasetSummary:
    """Make a dataset without voxels in an experiment, which the asker owns.

    `state` is how far it is then: not ready, if others are to give it its voxels.
    """
    collection, experiment = granted.place.names
    dataset = DatasetName(collection, experiment, name)
    return await add_empty(granted, _empty(dataset, asked), state)


async def add_empty(
    granted: GrantedPlace[Add], new: EmptyDataset, state: DatasetState = DatasetState.READY
) -> DatasetSummary:
    """Make a dataset without voxels, which the asker owns."""
    asker = granted.asker
    owner = None if asker.principal.user is None else asker.principal.name

    def make(catalog: Catalog) -> DatasetRecord:
        return make_empty(asker.gateway.lake, catalog, new, owner, state)

    try:
        return dataset_summary(await asker.of_catalog(make))
    finally:
        asker.gateway.records.forget(new.name)


def _empty(name: DatasetName, asked: EmptyQuestion) -> EmptyDataset:
    """Return what is asked for."""
    return EmptyDataset(
        name,
        Kind(asked.kind),
        asked.dtype or "",
        _extent(asked),
        asked.levels,
        asked.factors,
        asked.of,
        asked.shape if asked.of is not None else None,
        description=asked.description,
    )


def _extent(asked: EmptyQuestion) -> Extent | None:
    """Return shape and places; None: labels have those of their image.

    Raises
    ------
    InvalidInputError
        If something is said that would be left out.
    """
    said = asked.model_dump(exclude_defaults=True)
    needs = {"voxel_size": "shape", "shape": "voxel_size", "time_unit": "time_step"}
    needs |= dict.fromkeys(("axes", "translation", "time_step"), "voxel_size")
    if asked.of is not None:
        del needs["shape"]
    if lone := sorted(each for each in needs.keys() & said.keys() if needs[each] not in said):
        raise InvalidInputError(
            f"{lone[0]} was given and no {needs[lone[0]]}; give both, or leave it out"
        )
    if asked.shape is None or asked.voxel_size is None:
        return None
    time = None if asked.time_step is None else TimeStep(asked.time_step, asked.time_unit)
    voxel_size = VoxelSize(*asked.voxel_size, asked.unit)
    return Extent(asked.shape, asked.axes, voxel_size, asked.translation, time)


async def change(granted: Granted[Update], asked: CollectionChange) -> DatasetSummary:
    """Give a dataset another name in its experiment, or another description.

    Its group is told its name, too.
    """
    changed = await to_thread.run_sync(_change, granted, asked)
    for name in (granted.record.name, DatasetName.parse(changed.name)):
        granted.gateway.records.forget(name)
    return changed


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
    """Give the name of a dataset free, and leave it to a worker to delete it from the store.

    It can be brought back for as long as the settings say.
    """
    try:
        return await to_thread.run_sync(_remove, granted, with_labels)
    finally:
        granted.gateway.records.forget(granted.record.name)


def _remove(granted: Granted[Delete], with_labels: bool) -> DeletionDocument:  # noqa: FBT001
    catalog, record = granted.gateway.catalog.signed(granted.asker), granted.record
    if not with_labels and record.of is None and not lies_elsewhere(record):
        inside = f"{record.url}/labels/"
        known = {url.removeprefix(inside) for url in catalog.taken_urls() if url.startswith(inside)}
        if strange := set(labels_folders(granted.lake / record.url)) - known:
            raise ConflictError(
                f"labels lie inside {record.name} that the catalog does not know "
                f"({len(strange)}), and would go with it; delete them too: with_labels"
            )
    who = granted.access.principal
    days = granted.gateway.settings.deleted_days
    job, labels = catalog.deletion.begin(record.name, who, with_labels=with_labels, days=days)
    return DeletionDocument(
        id=record.node,
        removing=str(record.name),
        labels=tuple(str(each.name) for each in labels),
        job=job.id,
        purge_at=job.queued_at or job.created_at,
    )
