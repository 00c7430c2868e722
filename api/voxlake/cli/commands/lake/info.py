"""``voxlake info``: everything about one dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.opened.lake import EVERYTHING, opened_catalog
from voxlake.cli.options import Answering, InLake, Name, read_settings
from voxlake.cli.shown.dataset import shown_dataset
from voxlake.cli.shown.output import answer
from voxlake.documents.datasets.dataset import (
    StoredDocument,
    dataset_document,
    provenance_document,
    stale_document,
)
from voxlake.documents.labels.index import ByLabelDocument, IndexDocument
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.lake import address_of, lies_elsewhere, place_of
from voxlake.ngff.making.unfinished import is_whole
from voxlake.ngff.stale import list_marks
from voxlake.platform import store
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.documents.datasets.dataset import DatasetDocument
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.store import StoreURL

METADATA = {"zarr.json", ".zarray", ".zattrs"}


def info(name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Show a dataset: where it is stored, its levels, how they are cut and coded."""
    dataset = DatasetName.parse(name)
    with opened_catalog(lake) as catalog:
        record = catalog.get_dataset(dataset)
        origin = catalog.provenance.get(dataset, EVERYTHING)
    document = describe(lake.url, record)
    told = provenance_document(origin, read_from=True)
    document = document.model_copy(update={"provenance": told})
    answer(document, shown_dataset(document), json=answering.json)


def describe(lake: StoreURL, record: DatasetRecord) -> DatasetDocument:
    """Return all there is to say about a dataset; lists its objects.

    Raises
    ------
    NotFoundError, CorruptDataError, StoreError
        If its store does not have what the catalog says, or does not answer.
    """
    dataset = open_dataset(address_of(lake, record, read_settings()))
    volumes = [dataset.level(number) for number in range(dataset.levels)]
    labels = record.kind == "labels"
    index = lake / place_of(record).within(dataset.multiscale.folder).index_key
    document = dataset_document(
        record,
        dataset,
        volumes,
        index=_index(dataset, index) if labels else None,
        stored=[_stored(each.url) for each in volumes] if dataset.url.is_listed else None,
    )
    marks = [] if lies_elsewhere(record) else list_marks(volumes[0].url)
    return document.model_copy(
        update={
            "whole": document.whole and is_whole(dataset.url),
            "stale": stale_document(marks),
        }
    )


def _index(dataset: Dataset, url: StoreURL) -> IndexDocument:
    # Images need no pyarrow.
    from voxlake.ngff.labels.handle import labels_of
    from voxlake.ngff.labels.sidecars.trust import index_status

    labels = labels_of(dataset, url)
    states = [each.view().state for each in labels.each_time()]
    segments = [segment for state in states for segment in state.segments]
    files = [file for segment in segments for file in segment.files]
    by_label = ByLabelDocument(
        segments=len(segments),
        rows=sum(state.rows for state in states),
        bytes=sum(file.bytes + file.boxes.labels * file.boxes.record for file in files),
    )
    status = IndexDocument.model_validate(index_status(labels))
    return status.model_copy(update={"url": str(url), "by_label": by_label})


def _stored(url: StoreURL) -> StoredDocument:
    if url.is_local and not url.path.is_dir():
        return StoredDocument(objects=0, bytes=0)
    sizes = [each.size for each in store.walk(url) if each.url.name not in METADATA]
    return StoredDocument(objects=len(sizes), bytes=sum(sizes))
