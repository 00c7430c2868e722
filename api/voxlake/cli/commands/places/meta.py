"""``voxlake meta``: what people say of a collection, an experiment or a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.opened.lake import EVERYTHING, opened_catalog
from voxlake.cli.options import Answering, InLake, Name, Place
from voxlake.cli.shown.dataset import shown_provenance
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.places import shown_values
from voxlake.documents.datasets.dataset import provenance_document
from voxlake.documents.places.places import ValuesDocument
from voxlake.platform.names import DatasetName, names_of

meta = App(name="meta", help="What people say of a place: a description, and values by key.")

type Key = Annotated[str, Parameter(name="KEY", help="Any text, up to 255 characters.")]


@meta.command(name="ls")
def ls(place: Place, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List what is said of a place, by key."""
    with opened_catalog(lake) as catalog:
        values = catalog.metadata.list_values(names_of(place))
    _answer(values, answering)


@meta.command
def get(
    place: Place, key: Key, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Show the value of a key."""
    with opened_catalog(lake) as catalog:
        value = catalog.metadata.get_value(names_of(place), key)
    _answer({key: value}, answering)


@meta.command
def put(
    place: Place,
    key: Key,
    value: Annotated[str, Parameter(name="VALUE", help="Any text, up to 65536 characters.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Give a key a value, in the place of one that it had."""
    with opened_catalog(lake) as catalog:
        catalog.metadata.put_value(names_of(place), key, value)
    _answer({key: value}, answering)


@meta.command
def rm(
    place: Place, key: Key, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Take a key and its value away."""
    names = names_of(place)
    with opened_catalog(lake) as catalog:
        value = catalog.metadata.get_value(names, key)
        catalog.metadata.drop_value(names, key)
    _answer({key: value}, answering)


@meta.command
def describe(
    place: Place,
    text: Annotated[str, Parameter(name="TEXT", help="What it is; empty: nothing is said.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Say what a place is, in the place of what was said."""
    with opened_catalog(lake) as catalog:
        catalog.metadata.describe(names_of(place), text)
    _answer({"description": text}, answering)


@meta.command
def sources(
    name: Name,
    others: Annotated[
        tuple[str, ...], Parameter(name="SOURCE", help="Datasets that it was made from.")
    ] = (),
    /,
    *,
    related: Annotated[
        tuple[str, ...], Parameter(name="--related", help="A dataset that it has to do with.")
    ] = (),
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Say which datasets one was made from, in the place of what was said; info shows them."""
    dataset = DatasetName.parse(name)
    made_from, near = (tuple(map(DatasetName.parse, each)) for each in (others, related))
    with opened_catalog(lake) as catalog:
        catalog.provenance.put(dataset, EVERYTHING, made_from, near)
        origin = catalog.provenance.get(dataset, EVERYTHING)
    document = provenance_document(origin, read_from=True)
    answer(document, shown_provenance(document), json=answering.json)


def _answer(values: Mapping[str, str], answering: Answering) -> None:
    document = ValuesDocument(values=dict(values))
    answer(document, shown_values(document.values), json=answering.json)
