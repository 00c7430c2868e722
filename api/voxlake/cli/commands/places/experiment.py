"""``voxlake experiment``: specimens, which hold datasets of one coordinate frame."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.commands.places import changes
from voxlake.cli.commands.places.changes import Recursive, Said
from voxlake.cli.commands.places.collection import CollectionName
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.documents.places.places import place_document
from voxlake.platform.errors import InvalidNameError
from voxlake.platform.names import names_of

experiment = App(
    name="experiment", help="Experiments: list those of a collection, make or delete one."
)

type ExperimentName = Annotated[str, Parameter(name="EXPERIMENT", help="COLLECTION/EXPERIMENT.")]
type FrameName = Annotated[str, Parameter(name="FRAME", help="A coordinate frame.")]


@experiment.command(name="ls")
def ls(
    above: CollectionName, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """List the experiments of a collection."""
    changes.answer_list(lake, answering, names_of(above))


@experiment.command
def add(
    name: ExperimentName,
    /,
    *,
    frame: Annotated[str | None, Parameter(help="The coordinate frame that it lies in.")] = None,
    said: Said = Said(),
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make an experiment in a collection; an ingest makes the one that it names, too."""
    with opened_catalog(lake) as catalog:
        made = catalog.collections.add(
            _names(name), description=said.description, frame=frame, owner=said.owner
        )
    changes.answer_place(place_document(made), answering)


@experiment.command(name="frame")
def lie(
    name: ExperimentName,
    frame: FrameName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Say in which coordinate frame an experiment lies."""
    with opened_catalog(lake) as catalog:
        changed = catalog.collections.set_frame(_names(name), frame)
    changes.answer_place(place_document(changed), answering)


@experiment.command
def rm(
    name: ExperimentName,
    /,
    *,
    recursive: Recursive = False,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Delete an experiment that holds nothing, or all that it holds; its name is free again."""
    changes.remove(_names(name), lake, answering, recursive=recursive)


def _names(text: str) -> tuple[str, ...]:
    names = names_of(text)
    if len(names) != 2:
        raise InvalidNameError(f"{text!r} is no experiment; write COLLECTION/EXPERIMENT")
    return names
