"""``voxlake publish`` and ``voxlake unpublish``: whether everybody may read a dataset."""

from __future__ import annotations

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name
from voxlake.cli.shown.dataset import shown_summary
from voxlake.cli.shown.output import answer, note
from voxlake.documents.datasets.dataset import dataset_summary
from voxlake.platform.names import DatasetName


def publish(name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Let everybody read a dataset through the gateway; labels of an image keep what they had."""
    _set_public(name, lake, answering, public=True)


def unpublish(
    name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Take back `voxlake publish`: only those with a right to it read a dataset at the gateway.

    Labels of an image keep what they had. Who may read the store itself is said by the store.
    """
    _set_public(name, lake, answering, public=False)


def _set_public(name: str, lake: InLake, answering: Answering, *, public: bool) -> None:
    dataset = DatasetName.parse(name)
    with opened_catalog(lake) as catalog:
        catalog.set_public(dataset, public=public)
        record, labels = catalog.get_dataset(dataset), catalog.labels_of(dataset)
    document = dataset_summary(record)
    answer(document, shown_summary(document), json=answering.json)
    others = [str(each.name) for each in labels if each.public is not public]
    if others:
        state = "private" if public else "public"
        note(f"still {state}: {', '.join(others)}")
