"""``voxlake mv``: another name for a dataset, an experiment or a collection."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Place
from voxlake.cli.shown.dataset import shown_names
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.places import shown_places
from voxlake.documents.datasets.dataset import NamedDocument, dataset_summary
from voxlake.documents.places.places import place_document
from voxlake.ngff.lake import keep_names
from voxlake.platform.catalog import Catalog
from voxlake.platform.names import DatasetName, names_of


def mv(
    place: Place,
    to: Annotated[str, Parameter(name="NEW", help="As many names, with / between them.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Give a dataset, an experiment or a collection another name; no voxel is moved.

    The catalog and the gateway know it by its new name from then on: labels go with their image,
    and all that lies in an experiment or a collection with it. On the store it stays where it is:
    `voxlake info` shows its address. An experiment may go to another collection that is there.
    """
    names = names_of(place)
    with opened_catalog(lake) as catalog:
        if len(names) == 3:
            document = _move_dataset(catalog, lake, DatasetName(*names), DatasetName.parse(to))
            answer(document, shown_names(document), json=answering.json)
            return
        record = catalog.collections.move(names, names_of(to))
        keep_names(lake.url, catalog.list_datasets(*record.names))
    moved = place_document(record)
    answer(moved, shown_places([moved]), json=answering.json)


def _move_dataset(
    catalog: Catalog, lake: InLake, old: DatasetName, new: DatasetName
) -> NamedDocument:
    catalog.move_dataset(old, new)
    record, labels = catalog.get_dataset(new), catalog.labels_of(new)
    keep_names(lake.url, [record, *labels])
    return NamedDocument(
        before=str(old), dataset=dataset_summary(record), labels=tuple(map(dataset_summary, labels))
    )
