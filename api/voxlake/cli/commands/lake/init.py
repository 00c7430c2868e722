"""``voxlake init``: make a lake, or mend the catalog of one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from voxlake.cli.lake import is_lake, make_lake
from voxlake.cli.options import Answering, InLake, read_settings
from voxlake.cli.shown.output import answer, facts, table
from voxlake.documents.lake import LakeDocument
from voxlake.ngff.lake import discover
from voxlake.ngff.making import is_whole
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState, open_catalog
from voxlake.platform.errors import ConflictError
from voxlake.platform.store import StoreURL
from voxlake.platform.store.selftest import check_store, require_multi_writer


def init(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Make a lake: test its store, make its catalog.

    On a lake that is there, datasets that the store holds and the catalog does not know are added
    to the catalog, private; those that are not whole as failed.
    """
    url, settings = lake.url, read_settings()
    there = is_lake(url)
    report = check_store(url)
    require_multi_writer(report)
    make_lake(url, settings)
    with open_catalog(url, settings) as catalog:
        restored = _restore(url, catalog)
        document = LakeDocument(
            lake=str(url),
            made=not there,
            datasets=len(catalog.list_datasets()),
            restored=tuple(restored),
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
    answer(document, [lake_facts, table(("store", "", ""), tried)], json=answering.json)


def _restore(url: StoreURL, catalog: Catalog) -> list[str]:
    """Add what the store holds and the catalog does not know; return their names.

    The group of a dataset says whether it is whole; one whose ingest was cut off is not ready.
    """
    added = []
    for place in discover(url):
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
