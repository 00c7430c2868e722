"""``voxlake init``: make a lake, or mend the catalog of one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.cli.lake import is_lake, make_lake
from voxlake.cli.options import Answering, InLake, read_settings
from voxlake.cli.shown.output import answer, facts, table
from voxlake.documents.lake import LakeDocument
from voxlake.ngff.lake import Fault, Place, survey
from voxlake.ngff.making import is_whole
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState, open_catalog
from voxlake.platform.errors import ConflictError
from voxlake.platform.store.selftest import check_store, require_multi_writer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.platform.store import StoreURL


def init(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Make a lake: test its store, make its catalog.

    On a lake that is there, datasets that the store holds and the catalog does not know are added
    to the catalog, private; those that are not whole as failed. Groups that are damaged, or no
    datasets, are named, and left out.
    """
    url, settings = lake.url, read_settings()
    there = is_lake(url)
    report = check_store(url)
    require_multi_writer(report)
    make_lake(url, settings)
    with open_catalog(url, settings) as catalog:
        found = list(survey(url))
        restored = _restore(url, catalog, (each for each in found if isinstance(each, Place)))
        document = LakeDocument(
            lake=str(url),
            made=not there,
            datasets=len(catalog.list_datasets()),
            restored=tuple(restored),
            faults={each.key: each.text for each in found if isinstance(each, Fault)},
            store=report.capabilities,
        )
    lake_facts = facts(
        (
            ("lake", document.lake),
            ("state", "made" if document.made else "was there"),
            ("datasets", document.datasets),
            ("restored", ", ".join(document.restored) or None),
        )
    )
    tried = ((each.name, "ok" if each.ok else "fails", each.text) for each in document.store)
    shown = [lake_facts, table(("store", "", ""), tried)]
    if document.faults:
        shown.append(table(("left out", "because"), document.faults.items()))
    answer(document, shown, json=answering.json)


def _restore(url: StoreURL, catalog: Catalog, places: Iterable[Place]) -> list[str]:
    """Add what the store holds and the catalog does not know; return their names.

    The group of a dataset says whether it is whole; one whose ingest was cut off is not ready.
    """
    added = []
    for place in places:
        record = DatasetRecord(
            name=place.name,
            kind=place.kind.value,
            of=place.of,
            url=place.key,
            state=DatasetState.READY if is_whole(url / place.key) else DatasetState.FAILED,
            public=False,
            created_at=datetime.now(UTC),
        )
        with suppress(ConflictError):
            catalog.add_dataset(record)
            added.append(str(place.name))
    return added
