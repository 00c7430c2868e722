"""``voxlake init``: make a lake, or mend the catalog of one."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType

from voxlake.cli.lake import is_lake, make_lake, restore_catalog
from voxlake.cli.options import Answering, InLake, grouped, read_settings
from voxlake.cli.shown.output import Document, answer, facts, table
from voxlake.platform.catalog import open_catalog
from voxlake.platform.store.selftest import StoreReport, check_store, require_multi_writer


class CapabilityDocument(Document):
    """One thing that the store was tried for."""

    name: str
    ok: bool
    text: str


class InitDocument(Document):
    """A lake that is ready."""

    lake: str
    made: bool
    """False: it was there before."""
    datasets: int
    """Datasets in its catalog."""
    restored: tuple[str, ...]
    """Datasets that the store holds and the catalog did not know."""
    store: tuple[CapabilityDocument, ...]


@grouped
def init(lake: InLake, answering: Answering) -> None:
    """Make a lake: test its store, make its catalog.

    On a lake that is there, datasets that the store holds and the catalog does not know are added
    to the catalog, private; compare them with their source: voxlake verify.
    """
    url, settings = lake.url, read_settings()
    there = is_lake(url)
    report = check_store(url)
    require_multi_writer(report)
    make_lake(url, settings)
    with open_catalog(url, settings) as catalog:
        restored = restore_catalog(url, catalog)
        document = InitDocument(
            lake=str(url),
            made=not there,
            datasets=len(catalog.list_datasets()),
            restored=tuple(str(record.name) for record in restored),
            store=_tried(report),
        )
    answer(document, _shown(document), json=answering.json)


def _tried(report: StoreReport) -> tuple[CapabilityDocument, ...]:
    return tuple(
        CapabilityDocument(name=each.name, ok=each.ok, text=each.text)
        for each in report.capabilities
    )


def _shown(document: InitDocument) -> Iterable[RenderableType]:
    yield facts(
        (
            ("lake", document.lake),
            ("state", "made" if document.made else "was there"),
            ("datasets", document.datasets),
            ("restored", ", ".join(document.restored) or None),
        )
    )
    yield table(
        ("store", "", ""),
        ((each.name, "ok" if each.ok else "fails", each.text) for each in document.store),
    )
