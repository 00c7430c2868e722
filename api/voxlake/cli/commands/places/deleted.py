"""``voxlake deleted``, ``undelete``, ``purge``: what was deleted, brought back, gone for good."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.opened.lake import EVERYTHING, existing_lake, opened_catalog
from voxlake.cli.options import Answering, InLake, OnCluster
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.places import shown_deleted, shown_purged, shown_restored
from voxlake.documents.places.deleted import (
    DeletedList,
    PurgedDocument,
    PurgeDocument,
    RestoredDocument,
    deleted_document,
)
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.deleted_places import DeletedPlace
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.names import names_of

type What = Annotated[
    str, Parameter(name="NAME|ID", help="As it was called, or its id in the list of all.")
]


def deleted(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List what was deleted and can be brought back, and until when."""
    with opened_catalog(lake) as catalog:
        found = catalog.deleted.list_allowed(EVERYTHING)
        document = DeletedList(
            deleted=tuple(
                deleted_document(each, catalog.deleted.names_with(each, each.names))
                for each in found
            )
        )
    answer(document, shown_deleted(document), json=answering.json)


def undelete(
    what: What,
    /,
    *,
    to: Annotated[
        str | None,
        Parameter(
            metavar="NAME",
            help="What it is to be called, from the collection down; by default as it was.",
        ),
    ] = None,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Bring back a dataset, an experiment or a collection that was deleted: see `voxlake deleted`.

    Its voxels, who may do what with it, and all that was said of it are as they were. Labels that
    were deleted with their image come back with it.
    """
    # What only looks at the catalog loads nothing of datasets.
    from voxlake.ngff.storage.deleted import restore_place

    with opened_catalog(lake) as catalog:
        place = _find(catalog, what)
        wanted = None if to is None else names_of(to)
        names = restore_place(existing_lake(lake), catalog, place.node, EVERYTHING, wanted)
        with_it = tuple(catalog.deleted.names_with(place, names))
    document = RestoredDocument(restored="/".join(names), before=str(place), with_it=with_it)
    answer(document, shown_restored(document), json=answering.json)


def purge(what: What, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Delete for good what was deleted, now, and tell that nothing of it is left on the store."""
    # What only looks at the catalog does not wait for what runs jobs to load.
    from voxlake.cli.opened.workspace import opened_workspace
    from voxlake.cli.work import purged_by, run_quietly

    purged: tuple[PurgedDocument, ...] = ()
    with opened_workspace(lake, OnCluster()) as workspace:
        catalog = workspace.catalog
        place = _find(catalog, what)
        if place.job is None:
            catalog.deleted.purge(place.node, EVERYTHING)
        else:
            run_quietly(workspace, catalog.ledger.get_job(place.job))
            purged = purged_by(workspace, place.job)
    document = PurgeDocument(name=str(place), job=place.job, purged=purged)
    answer(document, shown_purged(document.name, purged), json=answering.json)


def _find(catalog: Catalog, what: str) -> DeletedPlace:
    """Return the place that somebody means.

    Raises
    ------
    NotFoundError
        If nothing of that name or id was deleted, or it is gone for good.
    ConflictError
        If several things of that name were deleted.
    """
    if what.isdecimal():
        return catalog.deleted.get(int(what), EVERYTHING)
    named = [each for each in catalog.deleted.list_allowed(EVERYTHING) if str(each) == what]
    if not named:
        raise NotFoundError(
            f"no {what} was deleted that can be brought back; list what can: voxlake deleted"
        )
    if len(named) > 1:
        ids = ", ".join(f"{each.node} ({each.deleted_at:%Y-%m-%d %H:%M})" for each in named)
        raise ConflictError(f"{len(named)} datasets called {what} were deleted; say which: {ids}")
    return named[0]
