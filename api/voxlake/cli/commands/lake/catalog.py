"""``voxlake catalog``: save what it says of places, and make one that was lost again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from voxlake.cli.loading import loading
from voxlake.cli.opened.lake import EVERYTHING
from voxlake.cli.options import Answering, Flag, InLake, OnCluster
from voxlake.cli.shown.output import Shown, answer, facts, table
from voxlake.documents.places.saved import RebuiltDocument, SavedDocument
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from voxlake.cli.catalog.rebuild import Unknown

catalog = App(name="catalog", help="The catalog: save what it says, make it again, prune it.")


@catalog.command
def save(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Save what the catalog says of places on the store, beside the voxels.

    Names, descriptions, key-values, coordinate frames and provenance, so that `voxlake catalog
    rebuild` finds them; no people, rights and jobs, which a backup of the database has. A worker
    does the same by itself when something has changed.
    """
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.compute.jobs.saving import places_url, save_places

    with opened_workspace(lake, OnCluster()) as workspace:
        saved = save_places(workspace)
    address = str(places_url(lake.url))
    document = SavedDocument(saved=address, places=len(saved.places), frames=len(saved.frames))
    rows = (("saved", address), ("places", document.places), ("frames", document.frames))
    answer(document, [facts(rows)], json=answering.json)


@catalog.command(name="prune")
def forget(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Forget what the settings say is too old to be kept: a worker does so by itself each hour.

    Entries of the audit (VOXLAKE_AUDIT_DAYS), what was used (VOXLAKE_USAGE_DAYS), jobs that are
    done or cancelled (VOXLAKE_JOBS_DAYS), and deleted experiments and collections whose time has
    come (VOXLAKE_DELETED_DAYS).
    """
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.compute.jobs.pruning import prune

    with opened_workspace(lake, OnCluster()) as workspace:
        document = prune(workspace)
    rows = (
        ("entries of the audit", document.audit),
        ("days and months of usage", document.usage),
        ("jobs", document.jobs),
        ("deleted places", document.places),
    )
    answer(document, [facts(rows)], json=answering.json)


@catalog.command
def rebuild(
    *,
    dry_run: Annotated[
        Flag, Parameter(help="Tell what would be taken in, and change nothing.")
    ] = False,
    merge: Annotated[
        Flag, Parameter(help="Add to a catalog that knows datasets what it does not know.")
    ] = False,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make a catalog that was lost again, from the store alone.

    Every dataset of the store is added, private; one that is not whole as failed. What people said
    of places is as it was saved last: by a worker, or `voxlake catalog save`. What cannot be known
    is said. Nothing that the catalog says already is changed.
    """
    with loading():
        from voxlake.cli.catalog.rebuild import take_in, unknown_to
        from voxlake.cli.opened.workspace import opened_workspace

    with opened_workspace(lake, OnCluster()) as workspace:
        known = len(workspace.catalog.list_datasets())
        if known and not (merge or dry_run):
            raise ConflictError(
                f"the catalog of {lake.url} knows {known} dataset{'' if known == 1 else 's'}, and "
                "is not lost; add what it does not know with: voxlake catalog rebuild --merge"
            )
        unknown = unknown_to(lake.url, workspace.catalog)
        left = () if dry_run else take_in(workspace, unknown, EVERYTHING)
    document = _document(str(lake.url), unknown, left, dry_run=dry_run)
    answer(document, _shown(document), json=answering.json)


def _document(
    lake: str, unknown: Unknown, left: tuple[str, ...], *, dry_run: bool
) -> RebuiltDocument:
    from voxlake.cli.catalog.rebuild import NEVER_KNOWN, NOT_SAVED

    return RebuiltDocument(
        lake=lake,
        dry_run=dry_run,
        datasets=tuple(str(place.name) for place in unknown.found.unknown),
        registered=tuple("/".join(each.names) for each in unknown.registered),
        places=tuple("/".join(each.names) for each in unknown.places),
        frames=tuple(each.name for each in unknown.frames),
        values=len(unknown.values),
        descriptions=len(unknown.descriptions),
        faults={fault.key: fault.text for fault in unknown.found.faults},
        unknown=(*left, *NEVER_KNOWN, *(() if unknown.saved else (NOT_SAVED,))),
    )


def _shown(document: RebuiltDocument) -> Shown:
    yield facts(
        (
            ("lake", document.lake),
            ("state", "nothing was changed" if document.dry_run else "rebuilt"),
            ("datasets", ", ".join(document.datasets) or None),
            ("registered in place", ", ".join(document.registered) or None),
            ("collections, experiments", ", ".join(document.places) or None),
            ("frames", ", ".join(document.frames) or None),
            ("descriptions", document.descriptions),
            ("key-values", document.values),
        )
    )
    if document.faults:
        yield table(("left out", "because~"), document.faults.items())
    yield table(("could not be known~",), ((each,) for each in document.unknown))
