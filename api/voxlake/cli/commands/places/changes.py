"""What the commands about collections and about experiments have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from voxlake.cli.opened.lake import EVERYTHING, opened_catalog
from voxlake.cli.options import Answering, Flag, InLake, OnCluster, read_settings
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.places import shown_places, shown_removed
from voxlake.documents.places.places import (
    PlaceDocument,
    PlaceList,
    RemovedPlaceDocument,
    place_document,
)
from voxlake.platform.access import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.compute.jobs import Workspace


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Said:
    """What is said of something that is made."""

    description: Annotated[str, Parameter(help="What it is, for people.")] = ""
    owner: Annotated[
        str | None, Parameter(metavar="USER", help="Whose it is to be; by default administrators'.")
    ] = None


type Recursive = Annotated[
    Flag, Parameter(help="Delete every dataset in it with it, for good, from the store as well.")
]


def answer_list(lake: InLake, answering: Answering, above: Sequence[str] = ()) -> None:
    """Print the collections of a lake, or the experiments of a collection."""
    with opened_catalog(lake) as catalog:
        if above:
            catalog.collections.get(above)
        found = catalog.collections.list_allowed(EVERYTHING, Permission.READ, above)
    document = PlaceList(places=tuple(map(place_document, found)))
    answer(document, shown_places(document.places), json=answering.json)


def answer_place(document: PlaceDocument, answering: Answering) -> None:
    """Print a collection or experiment."""
    answer(document, shown_places([document]), json=answering.json)


def remove(place: Sequence[str], lake: InLake, answering: Answering, *, recursive: bool) -> None:
    """Delete a collection or experiment, with every dataset in it if that is asked."""
    removed: tuple[str, ...] = ()
    if recursive:
        # What only looks at the catalog does not wait for what runs jobs to load.
        from voxlake.cli.opened.workspace import opened_workspace

        with opened_workspace(lake, OnCluster()) as workspace:
            workspace.catalog.collections.get(place)
            removed = _remove_datasets(workspace, place)
            workspace.catalog.collections.remove(place, recursive=True)
    else:
        with opened_catalog(lake) as catalog:
            catalog.collections.remove(place, days=read_settings().deleted_days)
    document = RemovedPlaceDocument(removed="/".join(place), datasets=removed)
    answer(document, shown_removed(document), json=answering.json)


def _remove_datasets(workspace: Workspace, place: Sequence[str]) -> tuple[str, ...]:
    from voxlake.cli.work import run_quietly
    from voxlake.compute.jobs import start_remove

    below = workspace.catalog.list_datasets(*place)
    for record in below:
        if record.of is None:
            run_quietly(workspace, start_remove(workspace, record.name, with_labels=True))
    return tuple(str(record.name) for record in below)
