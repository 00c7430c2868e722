"""``voxlake mv``: another name for a dataset."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name
from voxlake.cli.shown.dataset import shown_names
from voxlake.cli.shown.output import answer
from voxlake.documents.dataset import NamedDocument, dataset_summary
from voxlake.ngff.lake import lies_elsewhere, place_of
from voxlake.ngff.metadata.names import keep_name
from voxlake.platform.names import DatasetName


def mv(
    name: Name,
    to: Annotated[str, Parameter(name="NEW", help="COLLECTION/EXPERIMENT/DATASET.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Give a dataset another name; no voxel is moved, and labels go with their image.

    The catalog and the gateway know it by its new name from then on. On the store it stays where it
    is: `voxlake info` shows its address.
    """
    old, new = DatasetName.parse(name), DatasetName.parse(to)
    with opened_catalog(lake) as catalog:
        catalog.move_dataset(old, new)
        record, labels = catalog.get_dataset(new), catalog.labels_of(new)
    for each in (record, *labels):
        if not lies_elsewhere(each):
            keep_name(lake.url, place_of(each).key, each.name)
    document = NamedDocument(
        before=str(old), dataset=dataset_summary(record), labels=tuple(map(dataset_summary, labels))
    )
    answer(document, shown_names(document), json=answering.json)
