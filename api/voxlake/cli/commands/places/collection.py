"""``voxlake collection``: projects, which hold experiments."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.commands.places import changes
from voxlake.cli.commands.places.changes import Recursive, Said
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.documents.places.places import place_document
from voxlake.platform.names import check_name

collection = App(name="collection", help="Collections: list them, make one, delete one.")

type CollectionName = Annotated[str, Parameter(name="COLLECTION", help="Its name.")]


@collection.default
@collection.command(name="ls")
def ls(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the collections of a lake."""
    changes.answer_list(lake, answering)


@collection.command
def add(
    name: CollectionName,
    /,
    *,
    said: Said = Said(),
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make a collection; an ingest makes the one that it names, too."""
    with opened_catalog(lake) as catalog:
        made = catalog.collections.add([name], description=said.description, owner=said.owner)
    changes.answer_place(place_document(made), answering)


@collection.command
def rm(
    name: CollectionName,
    /,
    *,
    recursive: Recursive = False,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Delete a collection that holds nothing, or all that it holds; its name is free again."""
    changes.remove([check_name(name, "collection")], lake, answering, recursive=recursive)
