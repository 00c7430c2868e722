"""``voxlake init``: make a lake, or mend the catalog of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.loading import loading
from voxlake.cli.opened.lake import is_lake, make_lake
from voxlake.cli.options import Answering, InLake, read_settings
from voxlake.cli.shown.output import Shown, answer, facts, note, table
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import StoreReadOnlyError

if TYPE_CHECKING:
    from voxlake.documents.service.lake import LakeDocument
    from voxlake.platform.store import StoreURL
    from voxlake.platform.store.selftest import Capability


def init(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Make a lake: test its store, make its catalog.

    On a lake that is there, the catalog is made to say what the store holds: datasets that it does
    not know are added, private, those that are not whole as failed, and those that were removed
    by hand are forgotten. Groups that are damaged, or no datasets, are named, and left out. A lake
    that cannot be written needs no test; without a catalog of its own it gets one of this user's.
    """
    with loading():
        from voxlake.cli.catalog.repair import repair
        from voxlake.compute.jobs import Workspace
        from voxlake.compute.jobs.saving import read_places
        from voxlake.documents.service.lake import LakeDocument

    url, settings = lake.url, read_settings()
    there = is_lake(url)
    tested = _tested(url, there=there)
    if tested:
        make_lake(url, settings)
    with open_catalog(url, settings) as catalog:
        saved = read_places(url)
        if saved is not None and saved.made_at != catalog.saved.made_at():
            note(
                "what people said of places was saved here by a catalog before this one; take it "
                "in with: voxlake catalog rebuild --merge"
            )
        found = repair(Workspace(url, catalog, settings))
        document = LakeDocument(
            lake=str(url),
            made=not there,
            datasets=len(catalog.list_datasets()),
            restored=tuple(str(place.name) for place in found.unknown),
            forgotten=tuple(str(record.name) for record in found.lost),
            faults={fault.key: fault.text for fault in found.faults},
            store=tested,
        )
    answer(document, _shown(document), json=answering.json)


def _shown(document: LakeDocument) -> Shown:
    yield facts(
        (
            ("lake", document.lake),
            ("state", "made" if document.made else "was there"),
            ("datasets", document.datasets),
            ("restored", ", ".join(document.restored)),
            ("forgotten", ", ".join(document.forgotten)),
            ("store", None if document.store else "cannot be written"),
        )
    )
    tried = ((each.name, _found(each), each.text) for each in document.store)
    if document.store:
        yield table(("store", "", "~"), tried)
    if document.faults:
        yield table(("left out", "because~"), document.faults.items())


def _found(tried: Capability) -> str:
    if tried.ok:
        return "ok"
    return "fails" if tried.needed else "not there"


def _tested(url: StoreURL, *, there: bool) -> tuple[Capability, ...]:
    """Return what the store was tried for; nothing of a lake that can only be read."""
    from voxlake.platform.store.selftest import check_store, require_multi_writer

    try:
        report = check_store(url)
    except StoreReadOnlyError:
        if there:
            return ()
        raise
    require_multi_writer(report)
    return report.capabilities
