"""``voxlake search``: places by what is said of them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.opened.lake import EVERYTHING, opened_catalog
from voxlake.cli.options import Answering, InLake, Whole
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.places import shown_found
from voxlake.documents.places.places import FoundPage, place_document
from voxlake.platform.catalog.data.node_records import Page


def search(
    question: Annotated[str, Parameter(name="WORDS", help="Words, or how they begin.")],
    /,
    *,
    limit: Annotated[
        Whole, Parameter(validator=validators.Number(gte=1), help="Most places to show.")
    ] = 100,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Find collections, experiments and datasets by words of names, descriptions and key-values.

    Each word must begin a word of the place; small and large letters are alike.
    """
    with opened_catalog(lake) as catalog:
        found = catalog.search.find(EVERYTHING, question, Page(limit))
        count = catalog.search.count(EVERYTHING, question)
    document = FoundPage(places=tuple(map(place_document, found)), count=count)
    answer(document, shown_found(document), json=answering.json)
